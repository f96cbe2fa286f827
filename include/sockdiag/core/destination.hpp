// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where connections lead: plain values.

#include <cstdint>

#include "sockdiag/core/ip_address.hpp"

namespace sockdiag {

// One (source address, destination address, destination port): each local port can be used once
// for it.
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
