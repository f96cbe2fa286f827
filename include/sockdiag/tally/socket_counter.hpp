// SPDX-License-Identifier: Apache-2.0
#pragma once

// Counts the sockets of one dump. The tables are large and hold one dump at a time, so all tallies
// of a thread share one counter: begin() takes over what the network namespace of the dump
// remembers, and takes time in proportion to that and to what the dump before has shown.
//
// Not thread-safe. Functions may throw std::bad_alloc, which loses the sample: call begin() again.
// Memory: 1 MiB, which grows with distinct ports, at most 65 535 a direction, and by what
// DestinationTable, OwnerTally and ClientPrefixes say. It does not grow with ESTABLISHED
// connections. add() takes a few tens of nanoseconds.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_set>
#include <vector>

#include "sockdiag/core/close_wait_cause.hpp"
#include "sockdiag/core/direction.hpp"
#include "sockdiag/core/policy.hpp"
#include "sockdiag/core/socket_record.hpp"
#include "sockdiag/core/tcp_snapshot.hpp"
#include "sockdiag/tally/client_prefixes.hpp"
#include "sockdiag/tally/destination_table.hpp"
#include "sockdiag/tally/ephemeral_ports.hpp"
#include "sockdiag/tally/lifetimes.hpp"
#include "sockdiag/tally/owner_tally.hpp"
#include "sockdiag/tally/port_rules.hpp"
#include "sockdiag/tally/port_seats.hpp"
#include "sockdiag/tally/port_table.hpp"
#include "sockdiag/tally/service_ports.hpp"
#include "sockdiag/tally/time_wait_starts.hpp"

namespace sockdiag {

class SocketCounter {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // What a network namespace remembers between dumps of its services and sockets.
  struct Memory {
    Memory(LifetimeBudget& budget, NetworkKind kind) : lifetimes(budget, kind) {}

    ServiceMemory services;
    Lifetimes lifetimes;
    TimeWaitStarts time_wait_starts;
    std::unordered_set<std::uint64_t, CookieHash> served;  // cookies of CLOSE_WAITs
  };
  // Must stay as they are until the dump is counted. They may be gone when the next one begins.
  struct Namespace {
    const TcpPolicy& policy;
    const PortRules& rules;
    Memory& memory;
  };
  using Seated = std::array<std::vector<std::uint16_t>, kDirections.size()>;

  // Begins a dump, and drops the one before.
  void begin(const Namespace& of, const EphemeralPorts& ephemeral, TimePoint now,
             std::chrono::milliseconds time_wait_length);
  void add(const SocketRecord& record);
  // Learns services from the sockets since begin(). Returns true if it learned a new one.
  [[nodiscard]] bool learn_services() { return services_.learn(); }
  // Ends the dump: nothing is added any more.
  void end();

  // Return, after end(), the ports that may have series, and the counts if the ports in `seated`,
  // which are ascending, have them.
  [[nodiscard]] std::vector<PortSeats::Candidate> candidates(Direction direction) const {
    return tables_[index_of(direction)].candidates();
  }
  [[nodiscard]] TcpSnapshot counts(const Seated& seated) const;

  // Returns whether the present dump is of the network namespace that has this memory.
  [[nodiscard]] bool is_counting(const Memory& memory) const noexcept { return memory_ == &memory; }

 private:
  // A socket whose cookie is to be looked up, in a batch with others (CookieTable).
  struct Lookup {
    std::uint64_t cookie;
    std::chrono::milliseconds timer_remaining;
    std::uint16_t port;  // of the PortCounts
    Direction direction;
    TcpState state;
    CgroupCounts* owner;                    // null without one
    std::optional<CloseWaitCause> cause{};  // of a CLOSE_WAIT that is not served
  };

  void add_listener(const SocketRecord& record);
  void add_connection(const SocketRecord& record, TcpState state);
  void add_state(PortCounts& counts, const SocketRecord& record, TcpState state);
  void look_up_later(const Lookup& lookup);
  void count_stays();
  void count_time_wait_starts();
  // Counts the socket by its cgroup, too. Returns null if it has none, or if that is not wanted.
  CgroupCounts* add_owner(PortTable::Port& port, Direction direction, const SocketRecord& record,
                          TcpState state) {
    if (record.kind != SocketKind::full) return nullptr;
    if (port.owner == nullptr || port.owner->cgroup != record.cgroup) {
      if (!by_cgroup_) return nullptr;
      port.owner = &owners_.of(record.cgroup, direction, port.port);
    }
    ++port.owner->sockets[index_of(state)];
    return port.owner;
  }
  [[nodiscard]] PortTable::Port& counts_of(Direction direction, std::uint16_t port) {
    PortTable::Port* const counts = table(direction).find(port);
    return counts != nullptr ? *counts : first_counts_of(direction, port);
  }
  // The same for a port that has no counts yet in this sample.
  [[nodiscard]] PortTable::Port& first_counts_of(Direction direction, std::uint16_t port);
  [[nodiscard]] PortTable& table(Direction direction) { return tables_[index_of(direction)]; }
  [[nodiscard]] EphemeralPortUse ephemeral_port_use() const;
  // Returns the cause, or nothing if the connection is still served.
  [[nodiscard]] std::optional<CloseWaitCause> add_close_wait(PortCounts& counts,
                                                             CgroupCounts* owner,
                                                             const SocketRecord& record);

  const TcpPolicy* policy_ = nullptr;
  const PortRules* rules_ = nullptr;
  Memory* memory_ = nullptr;
  bool by_cgroup_ = false;
  bool counts_destinations_ = false;
  std::uint64_t sockets_ = 0;
  std::uint64_t request_sockets_ = 0;
  std::uint64_t unknown_state_sockets_ = 0;
  std::array<StateCounts, kAddressFamilyNames.size()> families_{};
  ServicePorts services_;
  std::array<PortTable, kDirections.size()> tables_;
  OwnerTally owners_;
  ClientPrefixes prefixes_;
  DestinationTable destinations_;
  // Sockets that have not been looked up yet, fewer than a batch each.
  std::vector<Lookup> passing_;
  std::vector<Lookup> time_waits_;
};

}  // namespace sockdiag
