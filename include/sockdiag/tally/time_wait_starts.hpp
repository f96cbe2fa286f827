// SPDX-License-Identifier: Apache-2.0
#pragma once

// Finds the TIME_WAITs that began since the last complete sample: that sample did not show their
// cookies, and their timers show that they are that young. A TIME_WAIT lasts 60 s (TCP_TIMEWAIT_LEN
// in include/net/tcp.h), unless the kernel has a setting for it, and its timer shows how much
// remains. The timer alone is no proof, since a late segment restarts it. If TIME_WAITs last no
// longer than kTolerance, the cookie alone decides.
//
// Not thread-safe. Memory: 16 bytes a slot; 20 to 64 bytes for each TIME_WAIT of the last sample
// and since, up to kMaxSockets. TIME_WAITs beyond that are not counted.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "sockdiag/tally/cookie_table.hpp"
#include "sockdiag/tally/round.hpp"

namespace sockdiag {

class TimeWaitStarts {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Milliseconds = std::chrono::milliseconds;

  static constexpr std::chrono::seconds kLength{60};
  // How long a dump may take and how wrong its timers may be, both together.
  static constexpr std::chrono::seconds kTolerance{20};
  static constexpr std::size_t kMaxSockets = 1'000'000;

  // Begins a sample. `length`: how long TIME_WAITs last now. Throws std::bad_alloc.
  void begin(TimePoint now, Milliseconds length = kLength);

  // Returns whether this TIME_WAIT, which ends after `remaining`, began since the last complete
  // sample. Returns false until there was a complete sample: the start cannot be known.
  [[nodiscard]] bool is_new(std::uint64_t cookie, Milliseconds remaining);

  // Calls take(socket) for each new one of a batch of TIME_WAITs, each with a `cookie` and a
  // `timer_remaining`. Faster than one at a time where caches do not hold the table.
  template <typename Socket, typename Take>
  void find_new(std::span<const Socket> sockets, const Take& take) {
    seen_.prefetch(sockets);
    for (const Socket& socket : sockets) {
      if (is_new(socket.cookie, socket.timer_remaining)) take(socket);
    }
  }

  // Completes the sample.
  void finish() noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return seen_.size(); }

 private:
  struct Seen {
    std::uint8_t round = 0;  // of the last sample that showed it; 0: none of late
    bool is_new = false;     // began after the last complete sample
    bool used = false;       // for CookieTable
  };

  [[nodiscard]] bool is_young(Milliseconds remaining) const noexcept;

  CookieTable<Seen> seen_;
  std::optional<TimePoint> last_;  // beginning of the last complete sample
  TimePoint now_;
  Milliseconds length_ = kLength;
  Round round_;  // of the present sample
};

}  // namespace sockdiag
