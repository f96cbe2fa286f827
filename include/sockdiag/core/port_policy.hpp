// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which ports and destinations get series of their own. Plain values, set by the operator and by
// the kernel.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sockdiag {

// Both ends belong to it, as in net.ipv4.ip_local_port_range.
struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;

  [[nodiscard]] bool contains(std::uint16_t port) const noexcept {
    return first <= port && port <= last;
  }
  friend bool operator==(const PortRange&, const PortRange&) noexcept = default;
};

struct PortPolicy {
  std::vector<std::uint16_t> inbound;   // always tracked, with or without a listener
  std::vector<std::uint16_t> outbound;  // always tracked, also inside the ephemeral range
  std::size_t max_ports = 100;          // per direction, those above included
  // How long a port stays what it was after its listener (inbound) or its last socket (outbound).
  std::chrono::milliseconds port_retention = std::chrono::minutes(10);

  friend bool operator==(const PortPolicy&, const PortPolicy&) noexcept = default;
};

// Which destinations are shown by the ephemeral ports that they use.
struct DestinationPolicy {
  std::size_t busiest = 5;
  bool export_addresses = false;

  friend bool operator==(const DestinationPolicy&, const DestinationPolicy&) noexcept = default;
};

}  // namespace sockdiag
