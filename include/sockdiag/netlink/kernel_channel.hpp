// SPDX-License-Identifier: Apache-2.0
#pragma once

// A Channel to the kernel over NETLINK_SOCK_DIAG (sock_diag(7), netlink(7)). It reads the tables of
// the network namespace the opening thread is in, needs no privilege, and belongs to one thread.

#include <chrono>
#include <memory>

#include "sockdiag/netlink/channel.hpp"

namespace sockdiag {

// `receive_deadline`: how long one receive() may wait; then it throws std::errc::timed_out.
// Throws std::system_error that says what was being done, or DumpError that also says what to look
// at where something refuses sock_diag to this process.
[[nodiscard]] std::unique_ptr<Channel> open_kernel_channel(
    std::chrono::milliseconds receive_deadline);

}  // namespace sockdiag
