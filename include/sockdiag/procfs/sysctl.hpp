// SPDX-License-Identifier: Apache-2.0
#pragma once

// Kernel settings under /proc/sys, of the calling thread's network namespace. Safe from any thread.

#include <filesystem>

#include "sockdiag/core/ephemeral_ports.hpp"

namespace sockdiag {

// net.ipv4.ip_local_port_range less net.ipv4.ip_local_reserved_ports: the ports that outgoing
// connections of both families take. Throws std::runtime_error that names the file where one of
// them cannot be read or makes no sense.
[[nodiscard]] EphemeralPorts read_ephemeral_ports(const std::filesystem::path& proc = "/proc");

}  // namespace sockdiag
