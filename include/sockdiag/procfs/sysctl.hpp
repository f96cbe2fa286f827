// SPDX-License-Identifier: Apache-2.0
#pragma once

// Reads kernel settings under /proc/sys, of the calling thread's network namespace. All throw
// std::runtime_error that names the file if it cannot be read or makes no sense. Safe from any
// thread.

#include <chrono>
#include <filesystem>
#include <optional>
#include <vector>

#include "sockdiag/core/port_list.hpp"

namespace sockdiag {

// net.ipv4.ip_local_port_range: outgoing connections of both families take their ports from it.
[[nodiscard]] PortRange read_ephemeral_range(const std::filesystem::path& proc = "/proc");

// net.ipv4.ip_local_reserved_ports: outgoing connections leave these ports out.
[[nodiscard]] std::vector<PortRange> read_reserved_ports(
    const std::filesystem::path& proc = "/proc");

// net.ipv4.tcp_tw_timeout, 1 to 600 s: how long TIME_WAIT lasts. Returns nothing if the kernel
// lacks the setting; Alibaba Cloud Linux 2 and 3 have it.
[[nodiscard]] std::optional<std::chrono::seconds> read_time_wait_length(
    const std::filesystem::path& proc = "/proc");

}  // namespace sockdiag
