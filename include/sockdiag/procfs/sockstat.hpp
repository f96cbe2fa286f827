// SPDX-License-Identifier: Apache-2.0
#pragma once

// The kernel's own total of TCP sockets (/proc/thread-self/net/sockstat and sockstat6).

#include <cstdint>
#include <filesystem>

namespace sockdiag {

// Returns the sockets in use and those in TIME_WAIT, of both families, without request sockets, in
// the calling thread's network namespace. A kernel without IPv6 (ipv6.disable=1) has neither
// sockstat6 nor if_inet6. Throws std::runtime_error that names the file. Safe from any thread.
[[nodiscard]] std::uint64_t read_sockstat_sockets(const std::filesystem::path& proc = "/proc");

}  // namespace sockdiag
