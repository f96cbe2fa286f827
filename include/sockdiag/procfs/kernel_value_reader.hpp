// SPDX-License-Identifier: Apache-2.0
#pragma once

// Reads the kernel's own TCP counters and limits under /proc/thread-self, so they are those of the
// calling thread's network namespace. Safe from any thread.

#include <cstdint>
#include <filesystem>

#include "sockdiag/core/kernel_values.hpp"

namespace sockdiag {

// Reads each file once. A number that makes no sense costs its own row, a line (or pair of lines)
// the rows of its group, a file that cannot be read its rows, and none of them anything else.
[[nodiscard]] KernelValues read_kernel_values(const std::filesystem::path& proc = "/proc");

// The sockets that sockstat and sockstat6 count, to compare a dump with: those in use and those in
// TIME_WAIT, of both families, without request sockets. A kernel without IPv6 (ipv6.disable=1) has
// neither sockstat6 nor if_inet6. Throws std::runtime_error that names the file.
[[nodiscard]] std::uint64_t read_sockstat_sockets(const std::filesystem::path& proc = "/proc");

}  // namespace sockdiag
