// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/ephemeral_ports.hpp"

namespace sockdiag {

EphemeralPorts::EphemeralPorts(PortRange range, const Reserved& reserved)
    : is_known_(reserved.has_value()) {
  set(range, true);
  if (!reserved) return;
  for (const PortRange& each : *reserved) set(each, false);
}

void EphemeralPorts::set(PortRange range, bool value) {
  for (std::size_t port = range.first; port <= range.last; ++port) ports_[port] = value;
}

}  // namespace sockdiag
