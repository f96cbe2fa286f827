// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/diagnosis/trend.hpp"

#include <algorithm>

namespace sockdiag {
namespace {

Trend::Counts totals_of(const TcpSnapshot& snapshot) noexcept {
  Trend::Counts totals{};
  for (const StateCounts& family : snapshot.families) {
    for (std::size_t i = 0; i < totals.size(); ++i) totals[i] += family[i];
  }
  return totals;
}

}  // namespace

void Trend::add(const Samples& samples, TimePoint now) noexcept {
  if (!samples.tcp.is_fresh(now)) return;
  const std::int64_t step = now.time_since_epoch() / kStep;
  newest_ = step;
  Point& point = points_[static_cast<std::size_t>(step) % kPoints];
  if (point.step != step) point = {step, {}};
  const Counts totals = totals_of(*samples.tcp.value);
  for (std::size_t i = 0; i < totals.size(); ++i) {
    point.counts[i] = std::max(point.counts[i], totals[i]);
  }
}

std::optional<Trend::Counts> Trend::at(std::size_t back) const noexcept {
  const std::int64_t step = newest_ - static_cast<std::int64_t>(back);
  if (step < 0 || back >= kPoints) return std::nullopt;
  const Point& point = points_[static_cast<std::size_t>(step) % kPoints];
  if (point.step != step) return std::nullopt;
  return point.counts;
}

}  // namespace sockdiag
