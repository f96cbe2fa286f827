// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sends one request to an exporter on this host.

#include <chrono>
#include <stdexcept>
#include <string>

#include "sockdiag/http/listen_address.hpp"

namespace sockdiag {

// Thrown if there is no answer. The text is one line that says why.
class RequestError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Sends GET to the address at which a server listens, and returns the status of the answer. Asks
// 127.0.0.1 if the server listens on every address. Waits `timeout` for the answer, and ten seconds
// at most for a connection. Safe from any thread. Throws RequestError or std::bad_alloc.
[[nodiscard]] int get_status(const ListenAddress& address, const std::string& path,
                             std::chrono::milliseconds timeout);

}  // namespace sockdiag
