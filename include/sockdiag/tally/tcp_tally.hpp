// SPDX-License-Identifier: Apache-2.0
#pragma once

// Counts the sockets of one dump by direction, port, state and address family. Between dumps it
// keeps what makes the counts steady: listeners that have lately gone, services that many sockets
// share, the ports that have series and what they have had. It also keeps what one dump cannot
// show: for how long sockets have been in a state, and which TIME_WAITs are new. If the policy
// wants it, counts full sockets by cgroup, too.
//
// One sample is begin(), add() for each socket, and finish(). Add listeners before connections, as
// the kernel dumps them. begin() drops a sample that was not finished as a whole.
//
// Not thread-safe. Functions may throw std::bad_alloc, which loses the sample: call begin() again.
// Memory grows with distinct ports, at most 65 535 a direction, and with what Lifetimes,
// TimeWaitStarts, ServicePorts, DestinationTable, OwnerTally and ClientPrefixes say. It does not
// grow with ESTABLISHED connections. add() takes a few tens of nanoseconds.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "sockdiag/core/close_wait_cause.hpp"
#include "sockdiag/core/direction.hpp"
#include "sockdiag/core/policy.hpp"
#include "sockdiag/core/port_list.hpp"
#include "sockdiag/core/socket_record.hpp"
#include "sockdiag/core/tcp_snapshot.hpp"
#include "sockdiag/tally/client_prefixes.hpp"
#include "sockdiag/tally/destination_table.hpp"
#include "sockdiag/tally/ephemeral_ports.hpp"
#include "sockdiag/tally/lifetimes.hpp"
#include "sockdiag/tally/owner_tally.hpp"
#include "sockdiag/tally/port_seats.hpp"
#include "sockdiag/tally/port_table.hpp"
#include "sockdiag/tally/service_ports.hpp"
#include "sockdiag/tally/time_wait_starts.hpp"

namespace sockdiag {

class TcpTally {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  static constexpr std::size_t kMaxServed = 100'000;  // 8 bytes each

  explicit TcpTally(TcpPolicy policy);

  // Call between samples. Ports that stay allowed keep their series, and sockets keep their ages.
  void set_policy(TcpPolicy policy);

  // Dates a CLOSE_WAIT by the last acknowledgement that it received, that of the FIN or a later
  // one. Call before the first sample. `now`: after the record was read. Ignores other records.
  void date(const SocketRecord& record, TimePoint now);

  // Remembers a CLOSE_WAIT whose peer has lately acknowledged something as one that is still
  // served, until forget_served(); kMaxServed of them at most. Ignores other records.
  void add_served(const SocketRecord& record);
  void forget_served() noexcept { served_.clear(); }

  void begin(const EphemeralPorts& ephemeral, TimePoint now,
             std::chrono::milliseconds time_wait_length = TimeWaitStarts::kLength);
  void add(const SocketRecord& record);
  // Learns services from the sockets since begin(). Call it instead of finish(). Returns true if it
  // learned a new one: begin the sample again, since sockets may have other directions now.
  [[nodiscard]] bool learn_services() { return services_.learn(); }
  // Completes the sample. `now`: after the last socket was read.
  [[nodiscard]] TcpSnapshot finish(TimePoint now);

  // Remembers a listener that a poll between samples has shown, up to
  // ListenerTable::kMaxRemembered of them. Ignores other sockets.
  void add_polled(const SocketRecord& record, TimePoint now);

  // Returns, after a sample, the ports that have a listener or lately had one.
  [[nodiscard]] PortSet listening_ports() const { return services_.listening(); }

 private:
  // A socket whose cookie is to be looked up, in a batch with others (CookieTable).
  struct Lookup {
    std::uint64_t cookie;
    std::chrono::milliseconds timer_remaining;
    std::uint16_t port;  // of the PortCounts
    Direction direction;
    TcpState state;
    OwnerTally::Slot owner = 0;
    std::optional<CloseWaitCause> cause{};  // of a CLOSE_WAIT that is not served
  };

  using Directions = std::array<DirectionCounts, kDirections.size()>;

  void add_listener(const SocketRecord& record);
  void add_connection(const SocketRecord& record, TcpState state);
  void add_state(PortCounts& counts, const SocketRecord& record, TcpState state);
  void look_up_later(const Lookup& lookup);
  void count_stays();
  void count_time_wait_starts();
  // Returns 0 if the socket has no owner.
  OwnerTally::Slot add_owner(PortTable::Port& counts, Direction direction,
                             const SocketRecord& record, TcpState state) {
    if (!policy_.by_cgroup || record.kind != SocketKind::full) return 0;
    return counts.owner = owners_.add(counts.owner, record.cgroup, direction, counts.port, state);
  }
  [[nodiscard]] PortTable::Port& counts_of(Direction direction, std::uint16_t port) {
    PortTable::Port* const counts = table(direction).find(port);
    return counts != nullptr ? *counts : first_counts_of(direction, port);
  }
  // The same for a port that has no counts yet in this sample.
  [[nodiscard]] PortTable::Port& first_counts_of(Direction direction, std::uint16_t port);
  void mark_seen(TcpSnapshot& snapshot) const;
  void make_room_for_starts(Direction direction, const DirectionCounts& counts);
  void commit(TcpSnapshot& snapshot, Directions& last, TimePoint now) noexcept;
  [[nodiscard]] PortSeats& seats(Direction direction) { return seats_[index_of(direction)]; }
  [[nodiscard]] PortTable& table(Direction direction) { return tables_[index_of(direction)]; }
  [[nodiscard]] EphemeralPortUse ephemeral_port_use() const;
  // Returns the cause, or nothing if the connection is still served.
  [[nodiscard]] std::optional<CloseWaitCause> add_close_wait(PortCounts& counts,
                                                             OwnerTally::Slot owner,
                                                             const SocketRecord& record);

  TcpPolicy policy_;
  TimePoint now_;
  ServicePorts services_;
  PortSet excluded_;  // by the policy; and port 0
  std::array<PortSeats, kDirections.size()> seats_;
  std::array<PortTable, kDirections.size()> tables_;
  OwnerTally owners_;
  std::array<StateCounts, kAddressFamilyNames.size()> families_{};
  Directions last_;  // of the last sample
  std::array<Seen, kAddressFamilyNames.size()> seen_by_family_{};
  Lifetimes lifetimes_;
  TimeWaitStarts time_wait_starts_;
  // By port; 0: all ports without series of their own. They never fall, whatever has series.
  std::array<std::unordered_map<std::uint16_t, std::uint64_t>, kDirections.size()>
      time_waits_started_;
  std::unordered_set<std::uint64_t, CookieHash> served_;  // cookies
  ClientPrefixes prefixes_;
  DestinationTable destinations_;
  // Sockets that have not been looked up yet, fewer than a batch each.
  std::vector<Lookup> passing_;
  std::vector<Lookup> time_waits_;
  std::uint64_t sockets_ = 0;
  std::uint64_t request_sockets_ = 0;
  std::uint64_t unknown_state_sockets_ = 0;
};

}  // namespace sockdiag
