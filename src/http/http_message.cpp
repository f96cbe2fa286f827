// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/http/http_message.hpp"

#include <strings.h>

namespace sockdiag {

std::optional<std::string> HttpRequest::header(std::string_view name) const {
  std::optional<std::string> joined;
  for (const auto& [key, value] : headers) {
    if (key.size() != name.size()) continue;
    if (::strncasecmp(key.data(), name.data(), name.size()) != 0) continue;
    joined = joined ? *joined + ", " + value : value;
  }
  return joined;
}

HttpResponse text_response(int status, std::string text) {
  return {status,
          "text/plain; charset=utf-8",
          {},
          {std::make_shared<const std::string>(std::move(text))}};
}

}  // namespace sockdiag
