// SPDX-License-Identifier: Apache-2.0
#include <chrono>

#include "sockdiag/pages/pages.hpp"

namespace sockdiag {

HttpResponse Pages::healthy(const HttpRequest&) {
  if (options_.is_alive()) return text_response(200, "healthy\n");
  return text_response(503, "sampling hangs\n");
}

HttpResponse Pages::ready(const HttpRequest&) {
  const auto latest = board_.latest();
  if (latest != nullptr && latest->tcp.is_fresh(std::chrono::steady_clock::now())) {
    return text_response(200, "ready\n");
  }
  return text_response(503, "no recent sample\n");
}

}  // namespace sockdiag
