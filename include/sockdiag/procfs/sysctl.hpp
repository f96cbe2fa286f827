// SPDX-License-Identifier: Apache-2.0
#pragma once

// Kernel settings under /proc/sys, of the calling thread's network namespace. Safe from any thread.

#include <filesystem>
#include <vector>

#include "sockdiag/core/port_policy.hpp"

namespace sockdiag {

// net.ipv4.ip_local_port_range: what outgoing connections of both families take their ports from.
// Throws std::runtime_error that names the file where it cannot be read or makes no sense.
[[nodiscard]] PortRange read_ephemeral_range(const std::filesystem::path& proc = "/proc");

// net.ipv4.ip_local_reserved_ports: what they leave out. Throws likewise.
[[nodiscard]] std::vector<PortRange> read_reserved_ports(
    const std::filesystem::path& proc = "/proc");

}  // namespace sockdiag
