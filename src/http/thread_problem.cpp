// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/http/thread_problem.hpp"

#include <system_error>

namespace sockdiag {

std::string thread_problem(const std::exception& error) {
  const auto* system = dynamic_cast<const std::system_error*>(&error);
  if (system == nullptr || system->code() != std::errc::operation_not_permitted) {
    return error.what();
  }
  return std::string(error.what()) +
         " (does the seccomp profile of an old container engine refuse clone3? Update the engine, "
         "or "
         "run the container with --security-opt seccomp=unconfined)";
}

}  // namespace sockdiag
