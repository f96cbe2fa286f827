// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/pages/pages.hpp"

namespace sockdiag {

HttpResponse Pages::reload(const HttpRequest&) {
  const ReloadResult result = options_.reload();
  if (result.problem) return text_response(500, *result.problem + "\n");
  std::string text = "configuration reloaded\n";
  for (const std::string& line : result.restarts) text += line + "\n";
  return text_response(200, std::move(text));
}

}  // namespace sockdiag
