// SPDX-License-Identifier: Apache-2.0
#pragma once

// The counts of one complete dump of the TCP tables. An immutable value once published: any number
// of threads may read it. Every socket is in exactly one `PortCounts` and in exactly one cell of
// `families`, unless its state is unknown: those sockets are counted apart.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sockdiag/core/close_wait_cause.hpp"
#include "sockdiag/core/direction.hpp"
#include "sockdiag/core/ip_address.hpp"
#include "sockdiag/core/tcp_state.hpp"

namespace sockdiag {

// The family on the wire: an IPv6 socket with an IPv4-mapped address is ipv4.
enum class AddressFamily : std::uint8_t { ipv4, ipv6 };

inline constexpr std::array<std::string_view, 2> kAddressFamilyNames = {"ipv4", "ipv6"};

using StateCounts = std::array<std::uint32_t, kTcpStateCount>;

struct AcceptQueue {
  std::uint64_t length = 0;  // connections waiting for accept(), all listeners of the port
  std::uint64_t limit = 0;   // the sum of the listeners' backlogs
  // Length divided by limit of the fullest listener, or length + 1 if its limit is 0 and its queue
  // is not empty. A queue is full above 1: the kernel drops when the length exceeds the limit
  // (sk_acceptq_is_full() in include/net/sock.h).
  double utilization = 0;

  void add(const AcceptQueue& other) noexcept {
    length += other.length;
    limit += other.limit;
    utilization = std::max(utilization, other.utilization);
  }

  friend bool operator==(const AcceptQueue&, const AcceptQueue&) noexcept = default;
};

// For how long sockets have been in one of the passing states. Both are lower bounds.
struct Stay {
  std::uint32_t lingering = 0;         // sockets in it for the threshold or longer
  std::chrono::milliseconds oldest{};  // 0 without sockets

  friend bool operator==(const Stay&, const Stay&) noexcept = default;
};

// Which states a port has had, and whether its queues have held bytes, since it has had series;
// this sample included. What a port never had needs no series.
class Seen {
 public:
  [[nodiscard]] bool state(TcpState state) const noexcept { return has(index_of(state)); }
  [[nodiscard]] bool receive_queue_bytes() const noexcept { return has(kReceiveQueue); }
  [[nodiscard]] bool send_queue_bytes() const noexcept { return has(kSendQueue); }

  void add_states(const StateCounts& counts) noexcept {
    for (std::size_t i = 0; i < counts.size(); ++i) add(i, counts[i] > 0);
  }
  void add_queues(std::uint64_t receive_queue_bytes, std::uint64_t send_queue_bytes) noexcept {
    add(kReceiveQueue, receive_queue_bytes > 0);
    add(kSendQueue, send_queue_bytes > 0);
  }
  void add(Seen other) noexcept { bits_ = static_cast<std::uint16_t>(bits_ | other.bits_); }

  friend bool operator==(Seen, Seen) noexcept = default;

 private:
  static constexpr std::size_t kReceiveQueue = kTcpStateCount;
  static constexpr std::size_t kSendQueue = kTcpStateCount + 1;

  [[nodiscard]] bool has(std::size_t bit) const noexcept { return ((bits_ >> bit) & 1U) != 0; }
  void add(std::size_t bit, bool seen) noexcept {
    bits_ = static_cast<std::uint16_t>(bits_ | (seen ? 1U << bit : 0U));
  }

  std::uint16_t bits_ = 0;
};

struct PortCounts {
  std::uint16_t port = 0;  // 0: all ports without series of their own
  Seen seen{};             // empty while the dump runs
  StateCounts sockets{};
  std::array<std::uint32_t, kCloseWaitCauseCount> close_wait_causes{};
  // Among `not_closed`: clients that have closed their half and still take an answer. Only looked
  // for where many linger.
  std::uint32_t served_close_wait = 0;
  // By cause, without those that are served.
  std::array<std::uint32_t, kCloseWaitCauseCount> lingering_close_wait{};
  ByPassingState<Stay> stays{};
  std::uint32_t orphaned_fin_wait2 = 0;  // no application holds them any more
  std::uint32_t retransmitting_syn_recv = 0;
  std::uint32_t syn_recv_prefixes = 0;  // distinct /24 and /64 of the clients of those
  // TIME_WAITs that began since the first sample; while the dump runs, since the last sample.
  std::uint64_t time_wait_started = 0;
  std::uint64_t receive_queue_bytes = 0;  // without listeners
  std::uint64_t send_queue_bytes = 0;
  AcceptQueue accept_queue{};  // empty if the direction is outbound

  friend bool operator==(const PortCounts&, const PortCounts&) noexcept = default;
};

struct DirectionCounts {
  std::vector<PortCounts> ports;  // by ascending port
  PortCounts other;
  std::uint32_t folded_ports = 0;  // distinct ports in `other`

  friend bool operator==(const DirectionCounts&, const DirectionCounts&) noexcept = default;
};

// What connections must share to compete for local ports: each port can be used once for the same
// source address, destination address and destination port.
struct Destination {
  IpAddress source;
  IpAddress address;
  std::uint16_t port = 0;

  friend bool operator==(const Destination&, const Destination&) noexcept = default;
};

// Returns "10.0.0.1:443" or "[2001:db8::1]:443". Throws std::bad_alloc.
[[nodiscard]] std::string to_text(const Destination& destination);

struct DestinationUse {
  Destination destination;
  std::uint32_t ephemeral_ports = 0;

  friend bool operator==(const DestinationUse&, const DestinationUse&) noexcept = default;
};

struct EphemeralPortUse {
  // Ports that the kernel may choose from for one destination. If that is not known, all members
  // are empty.
  std::optional<std::size_t> available;
  std::optional<std::size_t> local_ports_used;  // how many of them any socket uses
  std::vector<DestinationUse> busiest;          // the busiest first
  std::size_t ranks = 0;  // destinations to show; those that `busiest` lacks use 0 ports
  bool export_addresses = false;

  friend bool operator==(const EphemeralPortUse&, const EphemeralPortUse&) noexcept = default;
};

// The full sockets of one cgroup, direction and port.
struct CgroupCounts {
  std::uint64_t cgroup = 0;  // its id, the inode of its directory; 0: cgroups without room
  Direction direction{};
  std::uint16_t port = 0;  // 0: all ports without series of their own
  StateCounts sockets{};
  std::array<std::uint32_t, kCloseWaitCauseCount> close_wait_causes{};
  ByPassingState<std::uint32_t> lingering{};

  friend bool operator==(const CgroupCounts&, const CgroupCounts&) noexcept = default;
};

struct TcpSnapshot {
  // If false, ignore ages and starts of TIME_WAIT: they are computed from cookies.
  bool unique_cookies = true;
  std::array<DirectionCounts, kDirections.size()> directions;
  std::array<StateCounts, kAddressFamilyNames.size()> families{};
  std::array<Seen, kAddressFamilyNames.size()> seen_by_family{};  // since the first sample
  ByPassingState<std::chrono::milliseconds> lingering_thresholds{};
  std::uint64_t unfollowed_sockets = 0;  // in passing states, without room to follow their ages
  std::vector<CgroupCounts> by_cgroup;   // by direction, port and cgroup; empty if not wanted
  EphemeralPortUse ephemeral;
  std::uint64_t sockets = 0;                // all sockets of the dump
  std::uint64_t request_sockets = 0;        // among them, what the kernel's totals leave out
  std::uint64_t unknown_state_sockets = 0;  // among them, what is in no other count
  // The kernel's own total less this dump's. Nothing if the kernel's could not be read, or if it
  // covers other network namespaces, too.
  std::optional<std::int64_t> unaccounted_sockets;

  [[nodiscard]] const DirectionCounts& of(Direction direction) const noexcept {
    return directions[index_of(direction)];
  }

  friend bool operator==(const TcpSnapshot&, const TcpSnapshot&) noexcept = default;
};

}  // namespace sockdiag
