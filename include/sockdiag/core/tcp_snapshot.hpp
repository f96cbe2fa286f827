// SPDX-License-Identifier: Apache-2.0
#pragma once

// What one complete dump of the TCP tables came to. An immutable value once published: any number
// of threads may read it. Every socket is in exactly one `PortCounts`, and in exactly one cell of
// `families`; sockets in a state nobody knows are counted apart.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "sockdiag/core/direction.hpp"
#include "sockdiag/core/tcp_state.hpp"

namespace sockdiag {

// The family on the wire: an IPv4-mapped IPv6 socket is ipv4.
enum class AddressFamily : std::uint8_t { ipv4, ipv6 };

inline constexpr std::array<std::string_view, 2> kAddressFamilyNames = {"ipv4", "ipv6"};

using StateCounts = std::array<std::uint32_t, kTcpStateCount>;

struct AcceptQueue {
  std::uint64_t length = 0;  // connections waiting for accept(), all listeners of the port
  std::uint64_t limit = 0;   // the sum of their backlogs
  // 0…1, of the fullest single listener. The kernel lets one more in than the backlog says
  // (sk_acceptq_is_full() in include/net/sock.h), so full is length == limit + 1.
  double utilization = 0;
};

struct PortCounts {
  std::uint16_t port = 0;  // 0 for all the ports that have no series of their own
  StateCounts sockets{};
  std::uint64_t receive_queue_bytes = 0;  // listeners left out
  std::uint64_t send_queue_bytes = 0;
  AcceptQueue accept_queue{};  // stays empty where the direction is outbound
};

struct DirectionCounts {
  std::vector<PortCounts> ports;  // by ascending port
  PortCounts other;
  std::uint32_t folded_ports = 0;  // distinct ports in `other`
};

struct TcpSnapshot {
  std::array<DirectionCounts, kDirections.size()> directions;
  std::array<StateCounts, kAddressFamilyNames.size()> families{};
  std::uint64_t sockets = 0;                // all of the dump
  std::uint64_t unknown_state_sockets = 0;  // those of them that are in no other count

  [[nodiscard]] const DirectionCounts& of(Direction direction) const noexcept {
    return directions[index_of(direction)];
  }
};

}  // namespace sockdiag
