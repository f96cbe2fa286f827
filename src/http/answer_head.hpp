// SPDX-License-Identifier: Apache-2.0
#pragma once

// The head of an answer: status line, headers and the empty line (RFC 9112). A pure function.

#include <chrono>
#include <string>

#include "sockdiag/http/http_server.hpp"

namespace sockdiag {

enum class AfterAnswer { close, keep };  // what becomes of the connection

[[nodiscard]] std::string head_of(const HttpResponse& response, AfterAnswer after,
                                  std::chrono::system_clock::time_point now);

}  // namespace sockdiag
