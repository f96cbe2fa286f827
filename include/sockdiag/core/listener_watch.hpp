// SPDX-License-Identifier: Apache-2.0
#pragma once

// Watches the listeners between samples: the highest accept queue of each port over a trailing
// window, and the segments that the kernel dropped. The kernel counts drops for each listening
// socket, so they are added up by cookie: a listener that is closed and opened anew, or one of many
// that share the port (SO_REUSEPORT), counts on. Drops from before the first poll are counted;
// those between a listener's last poll and its end cannot be known. A poll may miss a listener, or
// find it between shutdown() and listen(): its count is kept for kRetention.
//
// A poll is begin(), add() for each listener, finish(); a begin() without finish() before it drops
// the lost poll whole. Not thread-safe. Memory grows with listeners, those of the last kRetention
// up to kMaxRemembered included, and, for the peaks, with ports that have series.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "sockdiag/core/cookie_table.hpp"
#include "sockdiag/core/listener_snapshot.hpp"
#include "sockdiag/core/listener_table.hpp"
#include "sockdiag/core/port_counters.hpp"
#include "sockdiag/core/socket_record.hpp"
#include "sockdiag/core/tcp_snapshot.hpp"

namespace sockdiag {

class ListenerWatch {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  static constexpr std::chrono::minutes kRetention{10};
  // Above this many, listeners that are gone are forgotten at once.
  static constexpr std::size_t kMaxRemembered = 65536;

  // A sample has told which of the `listening` ports have series, and the accept queues of that
  // moment. Other ports are left out until a sample has seen them.
  void saw(const DirectionCounts& inbound, const PortSet& listening, TimePoint now);

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

  struct Polled {
    std::uint64_t cookie = 0;
    std::uint16_t port = 0;
    std::uint32_t drops = 0;
  };
  struct Counted {
    std::uint32_t drops = 0;  // wraps, as the kernel's does
    bool used = false;        // the table's own
    TimePoint last_seen;
  };

  // The port, or 0 where it has no series of its own.
  [[nodiscard]] std::uint16_t series_of(std::uint16_t port) const;
  void make_room(TimePoint now);
  void count_drops(TimePoint now) noexcept;
  void forget_gone(TimePoint now) noexcept;
  [[nodiscard]] ListenerCounts counts_of(std::uint16_t series, TimePoint start);

  std::vector<std::uint16_t> seated_;  // ascending
  PortSet known_;                      // with series or without
  std::map<std::uint16_t, Peak> peaks_;
  std::map<std::uint16_t, std::uint64_t> lengths_;  // of the poll that runs
  std::vector<Polled> polled_;                      // by the poll that runs
  CookieTable<Counted> counted_;
  PortCounters dropped_;
};

}  // namespace sockdiag
