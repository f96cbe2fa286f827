// SPDX-License-Identifier: Apache-2.0
#pragma once

// Reads the kernel's own TCP counters, totals and limits (proc_net(5)) under /proc/thread-self and
// /proc/sys, those of the calling thread's network namespace, or under /proc/PID/net, those of
// another process's. Safe from any thread.

#include <cstdint>
#include <filesystem>

#include "sockdiag/core/kernel_values.hpp"
#include "sockdiag/core/namespaces_snapshot.hpp"

namespace sockdiag {

// Reads each file once. A number that makes no sense costs its own row, a line (or pair of lines)
// the rows of its group, and an unreadable file all its rows. The other rows are read.
[[nodiscard]] KernelValues read_kernel_values(const std::filesystem::path& proc = "/proc");

// Returns how many SYNs and handshake ACKs all listeners have dropped so far (TcpExt's
// ListenDrops). Throws std::runtime_error that names the file.
[[nodiscard]] std::uint64_t read_listen_drops(const std::filesystem::path& proc = "/proc");

// Returns the sockets in use and those in TIME_WAIT, of both families, without request sockets
// (sockstat and sockstat6). A kernel without IPv6 (ipv6.disable=1) has neither sockstat6 nor
// if_inet6. Throws std::runtime_error that names the file.
[[nodiscard]] std::uint64_t read_sockstat_sockets(const std::filesystem::path& proc = "/proc");

// The same of the network namespace of a process, without what the kernel has for the whole host
// alone. `process`: its folder below /proc. All throw std::runtime_error that names the file; the
// process may have ended, and its number may be another's by now.
[[nodiscard]] NamespaceCounters read_namespace_counters(const std::filesystem::path& process);
[[nodiscard]] std::uint64_t read_listen_drops_of(const std::filesystem::path& process);
[[nodiscard]] std::uint64_t read_sockstat_sockets_of(const std::filesystem::path& process);

}  // namespace sockdiag
