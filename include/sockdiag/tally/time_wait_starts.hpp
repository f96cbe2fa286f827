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

  // Of the table: looks into the same one are cheaper together (LookQueue).
  [[nodiscard]] std::size_t regions() const noexcept { return seen_.regions(); }
  [[nodiscard]] std::size_t region_of(std::uint64_t cookie) const noexcept {
    return seen_.region_of(cookie);
  }
  // Makes an is_new() of this socket soon after cheaper, where several are told together.
  void prefetch(std::uint64_t cookie) const noexcept { seen_.prefetch(cookie); }

  // Whether this TIME_WAIT, with `remaining` until it ends, began since the last complete sample.
  // Never where there was none: when those began cannot be known.
  [[nodiscard]] bool is_new(std::uint64_t cookie, Milliseconds remaining);

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
