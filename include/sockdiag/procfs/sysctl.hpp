// SPDX-License-Identifier: Apache-2.0
#pragma once

// Kernel settings under /proc/sys, of the calling thread's network namespace. Safe from any thread.

#include <chrono>
#include <filesystem>
#include <optional>
#include <vector>

#include "sockdiag/core/port_list.hpp"

namespace sockdiag {

// net.ipv4.ip_local_port_range: what outgoing connections of both families take their ports from.
// Throws std::runtime_error that names the file where it cannot be read or makes no sense.
[[nodiscard]] PortRange read_ephemeral_range(const std::filesystem::path& proc = "/proc");

// net.ipv4.ip_local_reserved_ports: what they leave out. Throws likewise.
[[nodiscard]] std::vector<PortRange> read_reserved_ports(
    const std::filesystem::path& proc = "/proc");

// net.ipv4.tcp_tw_timeout, 1 to 600 s: how long TIME_WAIT lasts where the kernel lets that be set
// (Alibaba Cloud Linux 2 and 3 do); nothing where it does not. Throws likewise.
[[nodiscard]] std::optional<std::chrono::seconds> read_time_wait_length(
    const std::filesystem::path& proc = "/proc");

}  // namespace sockdiag
