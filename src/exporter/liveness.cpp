// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/exporter/liveness.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace sockdiag {
namespace {

// One or two feeds may come late.
constexpr int kFeedsInPeriod = 3;

}  // namespace

Liveness::Liveness(std::optional<Watchdog> watchdog, TimePoint now)
    : watchdog_(std::move(watchdog)), last_beat_(now.time_since_epoch().count()) {}

std::chrono::nanoseconds Liveness::beat_interval() const noexcept {
  constexpr std::chrono::nanoseconds kForHealth = kHungAfter / kFeedsInPeriod;
  return watchdog_ ? std::min(kForHealth, watchdog_->period / kFeedsInPeriod) : kForHealth;
}

bool Liveness::is_alive(TimePoint now) const noexcept {
  const TimePoint last(TimePoint::duration(last_beat_.load(std::memory_order_relaxed)));
  return now - last < kHungAfter;
}

void Liveness::beat(TimePoint now) {
  last_beat_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  if (!watchdog_) return;
  const bool due = !last_feed_ || now - *last_feed_ >= beat_interval();
  if (due) feed_watchdog(now);
}

void Liveness::feed_watchdog(TimePoint now) {
  last_feed_ = now;
  if (server_answers()) watchdog_->feed();
}

// A server that its own host cannot reach, behind a filter of addresses for example, is no sign of
// anything: only one that has answered before is expected to go on.
bool Liveness::server_answers() {
  if (server_ == Server::never_answered) return true;
  const bool answers = watchdog_->answers();
  if (server_ == Server::not_asked) {
    server_ = answers ? Server::answered : Server::never_answered;
    if (!answers) spdlog::warn("the watchdog leaves HTTP out: no answer from this process itself");
    return true;
  }
  if (!answers && !unanswered_) spdlog::error("HTTP does not answer; the watchdog is not fed");
  if (answers && unanswered_) spdlog::info("HTTP answers again");
  unanswered_ = !answers;
  return answers;
}

}  // namespace sockdiag
