// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which TIME_WAITs began since the last complete sample: those that it did not show, by cookie, and
// whose timer says that they are that young. A TIME_WAIT lasts 60 s (TCP_TIMEWAIT_LEN in
// include/net/tcp.h) unless the kernel lets that be set, and its timer says what is left of them; a
// late segment sets the timer back, so it cannot tell alone. Where the length is no more than
// kTolerance, the cookie does.
//
// Not thread-safe. Memory: 16 bytes a slot, 20 to 64 bytes for each TIME_WAIT of the last
// sample and since, up to kMaxSockets; those beyond them are not counted.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "sockdiag/tally/cookie_table.hpp"

namespace sockdiag {

class TimeWaitStarts {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Milliseconds = std::chrono::milliseconds;

  static constexpr std::chrono::seconds kLength{60};
  // A dump may take this long and its timers be this wrong, both together.
  static constexpr std::chrono::seconds kTolerance{20};
  static constexpr std::size_t kMaxSockets = 1'000'000;

  // `length`: how long TIME_WAITs last now.
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

  // The sample was complete.
  void finish() noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return seen_.size(); }

 private:
  struct Seen {
    std::uint8_t round = 0;  // of the last sample that showed it
    bool is_new = false;     // to the last complete sample
    bool used = false;       // the table's own
  };

  [[nodiscard]] bool is_young(Milliseconds remaining) const noexcept;

  CookieTable<Seen> seen_;
  std::optional<TimePoint> last_;  // beginning of the last complete sample
  TimePoint now_;
  Milliseconds length_ = kLength;
  std::uint8_t round_ = 0;  // of the sample that runs
};

}  // namespace sockdiag
