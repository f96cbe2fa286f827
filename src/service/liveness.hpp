// SPDX-License-Identifier: Apache-2.0
#pragma once

// Whether the sampling loop still turns. A watchdog is fed while it does, so that a dump that hangs
// is ended by a restart.

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>

namespace sockdiag {

// The sampling loop hangs when it has not turned for that long: a dump of a million sockets takes
// a second or two.
inline constexpr std::chrono::seconds kHungAfter(60);

class Liveness {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Watchdog {
    std::chrono::nanoseconds period;  // within which it has to be fed
    std::function<void()> feed;
  };

  explicit Liveness(std::optional<Watchdog> watchdog, TimePoint now = TimePoint::clock::now());

  // At each turn of the sampling loop, on its thread. Feeds several times in a period.
  void beat(TimePoint now);

  // How often the loop has to turn, at least: two or three turns may come late.
  [[nodiscard]] std::chrono::nanoseconds beat_interval() const noexcept;

  // Safe from any thread.
  [[nodiscard]] bool is_alive(TimePoint now) const noexcept;

 private:
  const std::optional<Watchdog> watchdog_;
  std::atomic<TimePoint::rep> last_beat_;
  std::optional<TimePoint> last_feed_;
};

}  // namespace sockdiag
