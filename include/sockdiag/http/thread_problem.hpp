// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <string>

namespace sockdiag {

// Why a thread cannot be had, from what std::thread threw. EPERM has a hint: container engines that
// are older than clone3(2) refuse it so, and the C library does not fall back to clone(2).
[[nodiscard]] std::string thread_problem(const std::exception& error);

}  // namespace sockdiag
