// SPDX-License-Identifier: Apache-2.0
#pragma once

// Counts the sockets of the dumps of one network namespace by direction, port, state and address
// family. Between dumps it keeps what makes the counts steady: listeners that have lately gone,
// services that many sockets share, the ports that have series and what they have had. It also
// keeps what one dump cannot show: for how long sockets have been in a state, and which TIME_WAITs
// are new. If the policy wants it, counts full sockets by cgroup, too.
//
// One sample is begin(), add() for each socket, and finish(). Add listeners before connections, as
// the kernel dumps them. begin() drops a sample that was not finished as a whole, also that of
// another tally with the same scratch.
//
// Not thread-safe: tallies with the same scratch belong to one thread, and one of them at a time is
// between begin() and finish(). Functions may throw std::bad_alloc, which loses the sample: call
// begin() again. Memory of a tally: 0.7 KiB, and what its PortSeats, PortMemory, ListenerMemory,
// SharedPorts, Lifetimes and TimeWaitStarts say. It grows neither with ESTABLISHED connections nor
// with ports that have no series. add() takes a few tens of nanoseconds.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "sockdiag/core/direction.hpp"
#include "sockdiag/core/policy.hpp"
#include "sockdiag/core/socket_record.hpp"
#include "sockdiag/core/tcp_snapshot.hpp"
#include "sockdiag/tally/ephemeral_ports.hpp"
#include "sockdiag/tally/port_memory.hpp"
#include "sockdiag/tally/port_seats.hpp"
#include "sockdiag/tally/tally_scratch.hpp"

namespace sockdiag {

class TcpTally {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  static constexpr std::size_t kMaxServed = 100'000;  // 8 bytes each

  // The policy of the own network namespace says how many sockets may be followed in all
  // (LifetimeBudget).
  TcpTally(std::shared_ptr<TallyScratch> scratch, TcpPolicy policy,
           NetworkKind kind = NetworkKind::own);

  // Call between samples. Ports that stay allowed keep their series, and sockets keep their ages.
  void set_policy(TcpPolicy policy);
  [[nodiscard]] const TcpPolicy& policy() const noexcept { return *policy_; }

  // Dates a CLOSE_WAIT by the last acknowledgement that it received, that of the FIN or a later
  // one. Call before the first sample. `now`: after the record was read. Ignores other records.
  void date(const SocketRecord& record, TimePoint now);

  // Remembers a CLOSE_WAIT whose peer has lately acknowledged something as one that is still
  // served, until forget_served(); kMaxServed of them at most. Ignores other records.
  void add_served(const SocketRecord& record);
  void forget_served();

  void begin(const EphemeralPorts& ephemeral, TimePoint now,
             std::chrono::milliseconds time_wait_length = TimeWaitStarts::kLength);
  void add(const SocketRecord& record) { scratch_->counter.add(record); }
  // Learns services from the sockets since begin(). Call it instead of finish(). Returns true if it
  // learned a new one: begin the sample again, since sockets may have other directions now.
  [[nodiscard]] bool learn_services() { return scratch_->counter.learn_services(); }
  // Completes the sample. `now`: after the last socket was read.
  [[nodiscard]] TcpSnapshot finish(TimePoint now);

  // Remembers a listener that a poll between samples has shown, up to
  // ListenerMemory::kMaxRemembered of them; the next sample knows it. Ignores other sockets.
  void add_polled(const SocketRecord& record, TimePoint now);

  // Returns, after a sample, the ports that have a listener or lately had one, ascending.
  [[nodiscard]] std::vector<std::uint16_t> listening_ports() const {
    return memory_.services.listening();
  }

 private:
  using PortMemories = std::array<PortMemory, kDirections.size()>;

  [[nodiscard]] SocketCounter::Seated assign_seats();
  [[nodiscard]] PortMemories complete(TcpSnapshot& snapshot) const;

  std::shared_ptr<TallyScratch> scratch_;
  NetworkKind kind_;
  std::shared_ptr<const TcpPolicy> policy_;
  std::shared_ptr<const PortRules> rules_;
  SocketCounter::Memory memory_;
  TimePoint now_;
  std::array<PortSeats, kDirections.size()> seats_;
  PortMemories ports_;
  std::array<Seen, kAddressFamilyNames.size()> seen_by_family_{};
};

}  // namespace sockdiag
