// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where connections lead. Plain values.

#include <cstdint>

#include "sockdiag/core/ip_address.hpp"

namespace sockdiag {

// What connections must share to compete for local ports: each port can be used once for the same
// source address, destination address and destination port.
struct Destination {
  IpAddress source;
  IpAddress address;
  std::uint16_t port = 0;

  friend bool operator==(const Destination&, const Destination&) noexcept = default;
};

struct DestinationUse {
  Destination destination;
  std::uint32_t ephemeral_ports = 0;
};

}  // namespace sockdiag
