// SPDX-License-Identifier: Apache-2.0
#pragma once

// One request to an exporter on this host.

#include <chrono>
#include <stdexcept>
#include <string>

#include "sockdiag/http/listen_address.hpp"

namespace sockdiag {

// No answer; the text is one line that says why.
class RequestError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The status of the answer to GET, from where a server listens: on every address means this host's
// own. Waits `timeout` for the answer, and ten seconds at most for a connection. Safe from any
// thread. Throws RequestError.
[[nodiscard]] int get_status(const ListenAddress& address, const std::string& path,
                             std::chrono::milliseconds timeout);

}  // namespace sockdiag
