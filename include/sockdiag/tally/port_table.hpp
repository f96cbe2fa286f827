// SPDX-License-Identifier: Apache-2.0
#pragma once

// The counts of one direction while a dump is running, by port: two array lookups a socket, and no
// allocation but for a port's first one. Not thread-safe.

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sockdiag/core/tcp_snapshot.hpp"
#include "sockdiag/tally/port_seats.hpp"

namespace sockdiag {

class PortTable {
 public:
  // `port` is not 0. The reference holds until the next call of a member function.
  [[nodiscard]] PortCounts& at(std::uint16_t port) {
    std::uint16_t& slot = slots_[port];
    if (slot == 0) slot = add(port);
    return counts_[slot - 1U];
  }

  // Where the sockets of ports without series go; port 0 is no port and is not counted as one.
  [[nodiscard]] PortCounts& other(std::uint16_t port) {
    folded_.set(port);
    return other_;
  }

  // Of counts that at() or other() gave: `port` is theirs, 0 of other().
  [[nodiscard]] PortCounts& counted(std::uint16_t port) {
    return port == 0 ? other_ : counts_[slots_[port] - 1U];
  }

  // Null where at() has not been asked for the port. The pointer holds until the next at().
  [[nodiscard]] PortCounts* find(std::uint16_t port) noexcept {
    const std::uint16_t slot = slots_[port];
    return slot == 0 ? nullptr : &counts_[slot - 1U];
  }

  // Returns the ports that at() was asked for, with their connections.
  [[nodiscard]] std::vector<PortSeats::Candidate> candidates() const;

  // Returns the counts of each of the `seated` ports, which are ascending, and of all others
  // together.
  [[nodiscard]] DirectionCounts counts(const std::vector<std::uint16_t>& seated) const;

  void clear() noexcept;

 private:
  [[nodiscard]] std::uint16_t add(std::uint16_t port);

  std::vector<PortCounts> counts_;
  std::array<std::uint16_t, 65536> slots_{};  // index into counts_ plus one
  PortCounts other_;
  std::bitset<65536> folded_;
};

}  // namespace sockdiag
