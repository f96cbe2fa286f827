// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which ports and destinations get series of their own. Plain values, set by the operator and by
// the kernel.

#include <chrono>
#include <cstddef>

#include "sockdiag/core/port_list.hpp"

namespace sockdiag {

struct PortPolicy {
  PortList inbound;             // always tracked, with or without a listener
  PortList outbound;            // always tracked, also inside the ephemeral range
  PortList exclude;             // never tracked; none of the above
  std::size_t max_ports = 100;  // per direction, those above included
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
