// SPDX-License-Identifier: Apache-2.0
#pragma once

// The counts of one direction by port, while a dump runs. Counting a socket costs two array
// lookups; only the first socket of a port allocates. Not thread-safe.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sockdiag/core/tcp_snapshot.hpp"
#include "sockdiag/tally/port_seats.hpp"

namespace sockdiag {

class PortTable {
 public:
  // The counts of one port, and what the next socket of the same port needs.
  struct Port : PortCounts {
    CgroupCounts* owner = nullptr;  // of the port's last full socket
  };

  // Adds counts of `port`, which is not 0 and has none yet. The reference is valid until the next
  // add(). Throws std::bad_alloc.
  [[nodiscard]] Port& add(std::uint16_t port);

  // Returns the counts of all ports that can have no series, and remembers that `port` is one of
  // them, unless it is 0.
  [[nodiscard]] Port& other(std::uint16_t port) {
    folded_.set(port);
    return other_;
  }

  // Returns again what add(port) returned before, or what other() did if `port` is 0.
  [[nodiscard]] Port& counted(std::uint16_t port) {
    return port == 0 ? other_ : counts_[slots_[port] - 1U];
  }

  // Returns null unless add(port) was called before. The pointer is valid until the next add().
  [[nodiscard]] Port* find(std::uint16_t port) noexcept {
    const std::uint16_t slot = slots_[port];
    return slot == 0 ? nullptr : &counts_[slot - 1U];
  }

  // Returns the ports that were added, with their connections.
  [[nodiscard]] std::vector<PortSeats::Candidate> candidates() const;

  // Returns the counts of each of the `seated` ports, which are ascending, and of all others
  // together.
  [[nodiscard]] DirectionCounts counts(const std::vector<std::uint16_t>& seated) const;

  // Takes time in proportion to the ports that were added.
  void clear() noexcept;

 private:
  std::vector<Port> counts_;
  std::array<std::uint16_t, 65536> slots_{};  // index into counts_ plus one
  Port other_;
  PortSet folded_;
};

}  // namespace sockdiag
