// SPDX-License-Identifier: Apache-2.0
#pragma once

// What is remembered between samples of the ports of one direction: which states they have had
// since they have had series, and how many TIME_WAITs began there since the first sample. Counters
// of a port go on where they were when it has lost its series and gets them back. Not thread-safe.
// Memory: 16 bytes for each port that ever had series.

#include <cstdint>
#include <vector>

#include "sockdiag/core/tcp_snapshot.hpp"

namespace sockdiag {

class PortMemory {
 public:
  // Completes the counts of a sample with what is remembered, and returns what to remember after
  // it. Throws std::bad_alloc.
  [[nodiscard]] PortMemory after(DirectionCounts& counts) const;

 private:
  struct Port {
    std::uint16_t port = 0;  // 0: all ports without series of their own
    Seen seen;               // empty without series of its own
    std::uint64_t time_waits_started = 0;
  };

  void append(Port port, PortCounts& counts);
  void append_without_series(Port port);

  std::vector<Port> ports_;  // by ascending port
};

}  // namespace sockdiag
