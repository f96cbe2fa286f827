// SPDX-License-Identifier: Apache-2.0
#pragma once

// A Channel to the kernel over NETLINK_SOCK_DIAG (sock_diag(7), netlink(7)). It reads the sockets
// of the network namespace of the thread that opened it. Needs no privilege. Not thread-safe.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "sockdiag/core/file_descriptor.hpp"
#include "sockdiag/netlink/channel.hpp"

namespace sockdiag {

// `receive_deadline`: the longest wait of one receive(). Throws std::system_error, or DumpError
// with a remedy in its text if a sandbox or the kernel refuses sock_diag to this process.
[[nodiscard]] std::unique_ptr<Channel> open_kernel_channel(
    std::chrono::milliseconds receive_deadline);

// The same over a socket that another process has opened, in another network namespace perhaps,
// whose sockets it reads then. Throws DumpError if it is no sock_diag socket.
[[nodiscard]] std::unique_ptr<Channel> adopt_kernel_channel(
    FileDescriptor socket, std::chrono::milliseconds receive_deadline);

// Returns the cookie of a socket's network namespace: no other one ever has it (SO_NETNS_COOKIE).
// Nothing before Linux 5.14.
[[nodiscard]] std::optional<std::uint64_t> network_namespace_cookie(
    const FileDescriptor& socket) noexcept;

}  // namespace sockdiag
