// SPDX-License-Identifier: Apache-2.0
#include "liveness.hpp"

#include <algorithm>
#include <utility>

namespace sockdiag {
namespace {

constexpr int kBeatsInPeriod = 6;
constexpr std::chrono::milliseconds kShortestInterval(50);

std::chrono::nanoseconds interval_of(std::chrono::nanoseconds period) noexcept {
  return std::max<std::chrono::nanoseconds>(period / kBeatsInPeriod, kShortestInterval);
}

}  // namespace

Liveness::Liveness(std::optional<Watchdog> watchdog, TimePoint now)
    : watchdog_(std::move(watchdog)), last_beat_(now.time_since_epoch().count()) {}

std::chrono::nanoseconds Liveness::beat_interval() const noexcept {
  const auto for_health = interval_of(kHungAfter);
  return watchdog_ ? std::min(for_health, interval_of(watchdog_->period)) : for_health;
}

bool Liveness::is_alive(TimePoint now) const noexcept {
  const TimePoint last(TimePoint::duration(last_beat_.load(std::memory_order_relaxed)));
  return now - last < kHungAfter;
}

void Liveness::beat(TimePoint now) {
  last_beat_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  if (!watchdog_ || (last_feed_ && now - *last_feed_ < beat_interval())) return;
  watchdog_->feed();
  last_feed_ = now;
}

}  // namespace sockdiag
