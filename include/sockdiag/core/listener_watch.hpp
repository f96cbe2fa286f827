// SPDX-License-Identifier: Apache-2.0
#pragma once

// Watches the listeners between samples: the highest accept queue of each port over a trailing
// window, and the connections that the kernel dropped. The kernel counts drops for each listening
// socket, so they are added up by cookie: a listener that is closed and opened anew, or one of many
// that share the port (SO_REUSEPORT), counts on. Drops from before the first poll are counted;
// those between a listener's last poll and its end cannot be known.
//
// A poll is begin(), add() for each listener, finish(); a begin() without finish() before it drops
// the lost poll whole. Not thread-safe. Memory grows with listeners (16 bytes and a bucket each)
// and, for the peaks, with ports that have series.

#include <tsl/robin_map.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

#include "sockdiag/core/listener_snapshot.hpp"
#include "sockdiag/core/port_counters.hpp"
#include "sockdiag/core/socket_record.hpp"
#include "sockdiag/core/tcp_snapshot.hpp"

namespace sockdiag {

class ListenerWatch {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  // A sample has told which ports have series, and the accept queues of that moment.
  void saw(const DirectionCounts& inbound, TimePoint now);

  void begin();
  // Other sockets than listeners are passed over.
  void add(const SocketRecord& record);
  void finish(TimePoint now);

  // Peaks of the `window` before `now`.
  [[nodiscard]] ListenerSnapshot report(TimePoint now, Duration window);

 private:
  // The highest of the queue lengths of a window: those that a later one has not reached.
  class Peak {
   public:
    void saw(std::uint64_t length, TimePoint now);
    [[nodiscard]] std::uint64_t since(TimePoint start);

   private:
    struct Seen {
      TimePoint at;
      std::uint64_t length = 0;
    };
    std::vector<Seen> falling_;  // oldest and highest first
  };

  struct Drops {
    std::uint16_t port = 0;
    std::uint32_t count = 0;  // wraps, as the kernel's does
  };
  using DropsByCookie = tsl::robin_map<std::uint64_t, Drops>;

  // The port, or 0 where it has no series of its own.
  [[nodiscard]] std::uint16_t series_of(std::uint16_t port) const;
  [[nodiscard]] ListenerCounts counts_of(std::uint16_t series, TimePoint start);

  std::vector<std::uint16_t> seated_;  // ascending
  std::map<std::uint16_t, Peak> peaks_;
  std::map<std::uint16_t, std::uint64_t> lengths_;  // of the poll that runs
  DropsByCookie drops_;                             // of the last complete poll
  DropsByCookie drops_next_;                        // of the poll that runs
  PortCounters dropped_;
};

}  // namespace sockdiag
