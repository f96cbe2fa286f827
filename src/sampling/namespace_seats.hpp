// SPDX-License-Identifier: Apache-2.0
#pragma once

// Decides which ports of other network namespaces have series of their own, of all owners together
// (namespaces.max_ports): the busiest, sticky as PortSeats says. The others are folded into their
// owner's port 0. Not thread-safe. Memory grows with ports in use, 65 535 of all owners at most;
// further ones are folded.

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "sockdiag/core/direction.hpp"
#include "sockdiag/core/listener_snapshot.hpp"
#include "sockdiag/core/port_list.hpp"
#include "sockdiag/core/tcp_snapshot.hpp"
#include "sockdiag/tally/port_seats.hpp"

namespace sockdiag {

class NamespaceSeats {
 public:
  using Key = std::uint64_t;  // of owner, direction and port
  using TimePoint = PortSeats::TimePoint;
  using Duration = PortSeats::Duration;
  using OwnerNumber = std::uint32_t;  // of the caller's choice

  struct Policy {
    std::size_t max_ports = 0;
    Duration retention{};
  };

  // Takes away all seats of an owner that has gone, from the next round on. Its number is not used
  // again.
  void forget(OwnerNumber owner);

  // One round of assignment is begin(), add() for each owner, and assign().
  void begin() noexcept;
  void add(OwnerNumber owner, const TcpSnapshot& snapshot);
  void assign(const Policy& policy, TimePoint now);

  // Returns `port`, or 0 if it has no series of its own.
  [[nodiscard]] std::uint16_t series_of(OwnerNumber owner, Direction direction,
                                        std::uint16_t port) const;

  // Returns what has series of its own, in order.
  [[nodiscard]] std::vector<Key> seats_of(OwnerNumber owner) const;

  // Moves what has no series of its own to port 0. Both keep what they have seen.
  void fold(OwnerNumber owner, TcpSnapshot& snapshot) const;
  void fold(OwnerNumber owner, ListenerSnapshot& snapshot) const;

 private:
  struct Place {
    std::uint16_t number = 0;  // that stands for the place in `seats_`; 0: there is no room
    bool in_use = false;       // in this round
    bool seated = false;
  };

  [[nodiscard]] static Key key_of(OwnerNumber owner, Direction direction,
                                  std::uint16_t port) noexcept;
  void use(Key key, std::uint64_t connections);
  [[nodiscard]] std::uint16_t take_number() noexcept;

  std::map<Key, Place> places_;
  PortSet numbers_;  // that are taken
  PortList gone_;    // numbers of owners that have gone
  std::uint16_t last_number_ = 0;
  std::vector<PortSeats::Candidate> in_use_;
  PortSeats seats_;
};

}  // namespace sockdiag
