// SPDX-License-Identifier: Apache-2.0
#pragma once

// What one complete dump of the TCP tables came to. An immutable value once published: any number
// of threads may read it. Every socket is in exactly one `PortCounts`, and in exactly one cell of
// `families`; sockets in a state nobody knows are counted apart.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "sockdiag/core/close_wait_cause.hpp"
#include "sockdiag/core/destination.hpp"
#include "sockdiag/core/direction.hpp"
#include "sockdiag/core/passing_state.hpp"
#include "sockdiag/core/tcp_state.hpp"

namespace sockdiag {

// The family on the wire: an IPv4-mapped IPv6 socket is ipv4.
enum class AddressFamily : std::uint8_t { ipv4, ipv6 };

inline constexpr std::array<std::string_view, 2> kAddressFamilyNames = {"ipv4", "ipv6"};

using StateCounts = std::array<std::uint32_t, kTcpStateCount>;

struct AcceptQueue {
  std::uint64_t length = 0;  // connections waiting for accept(), all listeners of the port
  std::uint64_t limit = 0;   // the sum of their backlogs
  // Length over limit of the fullest single listener; length + 1 where the limit is 0 and the queue
  // is not empty. Full above 1: the kernel drops when the length exceeds the limit
  // (sk_acceptq_is_full() in include/net/sock.h).
  double utilization = 0;

  void add(const AcceptQueue& other) noexcept {
    length += other.length;
    limit += other.limit;
    utilization = std::max(utilization, other.utilization);
  }
};

// How long sockets have been in one of the passing states; lower bounds.
struct Stay {
  std::uint32_t lingering = 0;         // sockets that have been in it for the threshold or longer
  std::chrono::milliseconds oldest{};  // 0 where there is none
};

// What a port has had since it got its seat, the sample's own included: its states, and bytes in
// its queues. Details of what it never had need no series.
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
  std::uint16_t port = 0;  // 0 for all the ports that have no series of their own
  Seen seen{};             // in a snapshot; nothing while a dump runs
  StateCounts sockets{};
  std::array<std::uint32_t, kCloseWaitCauseCount> close_wait_causes{};
  ByPassingState<Stay> stays{};
  std::uint32_t orphaned_fin_wait2 = 0;  // those that no application holds any more
  std::uint32_t retransmitting_syn_recv = 0;
  std::uint32_t syn_recv_prefixes = 0;  // of those, distinct /24 and /64 of the clients
  // While a dump runs, TIME_WAITs that began since the last one; in a snapshot, all so far.
  std::uint64_t time_wait_started = 0;
  std::uint64_t receive_queue_bytes = 0;  // listeners left out
  std::uint64_t send_queue_bytes = 0;
  AcceptQueue accept_queue{};  // stays empty where the direction is outbound
};

struct DirectionCounts {
  std::vector<PortCounts> ports;  // by ascending port
  PortCounts other;
  std::uint32_t folded_ports = 0;  // distinct ports in `other`
};

struct EphemeralPortUse {
  // What the kernel may choose from, for one destination; nothing of all this where it is not
  // known.
  std::optional<std::size_t> available;
  std::optional<std::size_t> local_ports_used;  // distinct ones of those, by sockets of any state
  std::vector<DestinationUse> busiest;          // the busiest first
  std::size_t ranks = 0;  // how many are shown; 0 ports in use where there are fewer
  bool export_addresses = false;
};

struct TcpSnapshot {
  // Else neither ages nor starts of TIME_WAIT are known, whatever the counts of them say.
  bool unique_cookies = true;
  std::array<DirectionCounts, kDirections.size()> directions;
  std::array<StateCounts, kAddressFamilyNames.size()> families{};
  std::array<Seen, kAddressFamilyNames.size()> seen_by_family{};  // since the first sample
  ByPassingState<std::chrono::milliseconds> lingering_thresholds{};
  std::uint64_t unfollowed_sockets = 0;  // in passing states, and no room to remember since when
  EphemeralPortUse ephemeral;
  std::uint64_t sockets = 0;                // all of the dump
  std::uint64_t request_sockets = 0;        // those of them that the kernel's totals leave out
  std::uint64_t unknown_state_sockets = 0;  // those of them that are in no other count
  // The kernel's own totals less this dump's; nothing where they could not be read, or where they
  // are of other network namespaces as well.
  std::optional<std::int64_t> unaccounted_sockets;

  [[nodiscard]] const DirectionCounts& of(Direction direction) const noexcept {
    return directions[index_of(direction)];
  }
};

}  // namespace sockdiag
