// SPDX-License-Identifier: Apache-2.0
#pragma once

// Knows whether the sampling loop still runs, and feeds the service manager's watchdog while it
// does: a dump that hangs ends in a restart.

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>

namespace sockdiag {

// The sampling loop hangs if it has not iterated for that long. A dump ends within 30 s.
inline constexpr std::chrono::seconds kHungAfter(60);

class Liveness {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Watchdog {
    std::chrono::nanoseconds period;  // the longest time without a feed
    std::function<void()> feed;
  };

  explicit Liveness(std::optional<Watchdog> watchdog, TimePoint now = TimePoint::clock::now());

  // Call it at each iteration, on the sampler's thread. Feeds the watchdog several times a period.
  void beat(TimePoint now);

  // The longest time between two iterations. Two or three may be late before anything restarts.
  [[nodiscard]] std::chrono::nanoseconds beat_interval() const noexcept;

  // Safe from any thread.
  [[nodiscard]] bool is_alive(TimePoint now) const noexcept;

 private:
  const std::optional<Watchdog> watchdog_;
  std::atomic<TimePoint::rep> last_beat_;
  std::optional<TimePoint> last_feed_;
};

}  // namespace sockdiag
