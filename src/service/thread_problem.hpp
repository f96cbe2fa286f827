// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <string>
#include <system_error>

namespace sockdiag {

// Returns why a thread could not be created, from what std::thread threw. Adds a hint to EPERM:
// container engines older than clone3(2) refuse it so, and the C library does not fall back to
// clone(2).
[[nodiscard]] inline std::string thread_problem(const std::system_error& error) {
  const bool refused = error.code() == std::errc::operation_not_permitted;
  return error.what() +
         std::string(refused ? " (does the seccomp profile of an old container engine refuse "
                               "clone3? Update the engine, or run the container with "
                               "--security-opt seccomp=unconfined)"
                             : "");
}

}  // namespace sockdiag
