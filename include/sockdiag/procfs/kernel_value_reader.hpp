// SPDX-License-Identifier: Apache-2.0
#pragma once

// Reads the kernel's own TCP counters and limits under /proc/thread-self and /proc/sys, those of
// the calling thread's network namespace. Safe from any thread.

#include <filesystem>

#include "sockdiag/core/kernel_values.hpp"

namespace sockdiag {

// Reads each file once. A number that makes no sense costs its own row, a line (or pair of lines)
// the rows of its group, and an unreadable file all its rows. The other rows are read.
[[nodiscard]] KernelValues read_kernel_values(const std::filesystem::path& proc = "/proc");

}  // namespace sockdiag
