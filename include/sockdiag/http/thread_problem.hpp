// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <string>

namespace sockdiag {

// Returns why a thread could not be created, from what std::thread threw. Adds a hint to EPERM:
// container engines older than clone3(2) refuse it so, and the C library does not fall back to
// clone(2).
[[nodiscard]] std::string thread_problem(const std::exception& error);

}  // namespace sockdiag
