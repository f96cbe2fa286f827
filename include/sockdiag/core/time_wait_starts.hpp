// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which TIME_WAITs began since the last complete sample. A TIME_WAIT lasts 60 s
// (TCP_TIMEWAIT_LEN in include/net/tcp.h) and its timer says what is left of them, so its beginning
// is known to within the time that a dump takes. Those that began about when the last sample was
// taken are told apart by cookie: they were in it or they were not.
//
// Not thread-safe. Memory: up to 80 bytes for each TIME_WAIT of the last kYoung, so it is bounded
// by the kernel's tcp_max_tw_buckets.

#include <tsl/robin_set.h>

#include <chrono>
#include <cstdint>
#include <optional>

namespace sockdiag {

class TimeWaitStarts {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Milliseconds = std::chrono::milliseconds;

  static constexpr std::chrono::seconds kLength{60};
  // A dump may take this long and its timers be this wrong, both together.
  static constexpr std::chrono::seconds kTolerance{5};
  // Age in a complete sample up to which the next one may take a TIME_WAIT for a new one.
  static constexpr std::chrono::seconds kYoung = 2 * kTolerance;

  TimeWaitStarts();

  void begin(TimePoint now);

  // Whether this TIME_WAIT, with `remaining` until it ends, began since the last complete sample.
  // Never where there was none: when those began cannot be known.
  [[nodiscard]] bool is_new(std::uint64_t cookie, Milliseconds remaining);

  // The sample was complete.
  void finish();

 private:
  using Cookies = tsl::robin_set<std::uint64_t>;

  [[nodiscard]] static Cookies no_cookies();

  std::optional<TimePoint> last_;  // beginning of the last complete sample
  TimePoint now_;
  Cookies young_;       // in the last complete sample
  Cookies young_next_;  // in this one
};

}  // namespace sockdiag
