// SPDX-License-Identifier: Apache-2.0
#pragma once

// A Channel to the kernel over NETLINK_SOCK_DIAG (sock_diag(7), netlink(7)). It reads the sockets
// of the network namespace of the thread that opened it. Needs no privilege. Not thread-safe.

#include <chrono>
#include <memory>

#include "sockdiag/netlink/channel.hpp"

namespace sockdiag {

// `receive_deadline`: the longest wait of one receive(). Throws std::system_error, or DumpError
// with a remedy in its text if a sandbox or the kernel refuses sock_diag to this process.
[[nodiscard]] std::unique_ptr<Channel> open_kernel_channel(
    std::chrono::milliseconds receive_deadline);

}  // namespace sockdiag
