// SPDX-License-Identifier: Apache-2.0
#include "kernel_history.hpp"

#include <algorithm>
#include <limits>
#include <string_view>

namespace sockdiag {
namespace {

// By KernelValue.
constexpr auto kMetrics = std::to_array<std::string_view>({
    "sockdiag_tcp_listen_overflows_total",
    "sockdiag_tcp_listen_drops_total",
    "sockdiag_tcp_request_queue_full_drops_total",
    "sockdiag_tcp_request_queue_full_cookies_total",
    "sockdiag_tcp_syncookies_sent_total",
    "sockdiag_tcp_time_wait_overflows_total",
    "sockdiag_tcp_abort_on_memory_total",
    "sockdiag_tcp_active_opens_total",
    "sockdiag_tcp_passive_opens_total",
    "sockdiag_tcp_attempt_failures_total",
    "sockdiag_tcp_embryonic_resets_total",
    "sockdiag_tcp_orphans",
    "sockdiag_tcp_allocated_sockets",
    "sockdiag_tcp_memory_bytes",
    "sockdiag_tcp_orphans_limit",
    "sockdiag_tcp_memory_pressure_bytes",
    "sockdiag_tcp_memory_limit_bytes",
    "sockdiag_tcp_time_wait_limit_sockets",
});
static_assert(kMetrics.size() == kKernelValueCount);

std::size_t row_of(std::string_view metric) {
  const auto rows = kernel_value_rows();
  const auto found = std::find_if(rows.begin(), rows.end(),
                                  [&](const KernelValueRow& row) { return row.metric == metric; });
  return static_cast<std::size_t>(found - rows.begin());
}

const std::array<std::size_t, kKernelValueCount>& rows() {
  static const auto found = [] {
    std::array<std::size_t, kKernelValueCount> all{};
    std::transform(kMetrics.begin(), kMetrics.end(), all.begin(), row_of);
    return all;
  }();
  return found;
}

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

KernelReading reading_of(const KernelValues& values) {
  KernelReading reading;
  for (std::size_t i = 0; i < reading.size(); ++i) {
    const std::size_t row = rows()[i];
    if (row < values.values.size()) reading[i] = values.values[row];
  }
  return reading;
}

KernelHistory::Remembered::Remembered(const KernelReading& reading) {
  for (std::size_t i = 0; i < values_.size(); ++i) values_[i] = reading[i].value_or(kMissing);
}

std::optional<std::uint64_t> KernelHistory::Remembered::of(KernelValue value) const noexcept {
  const std::size_t index = index_of(value);
  if (index >= values_.size() || values_[index] == kMissing) return std::nullopt;
  return values_[index];
}

void KernelHistory::record(const KernelReading& reading, TimePoint now,
                           std::chrono::nanoseconds interval) {
  const auto remembered = std::max<std::chrono::nanoseconds>(kMemory, 3 * interval);
  if (now - latest_at_ > remembered) {
    ring_.clear();
    minutes_.clear();
  }
  latest_ = reading;
  latest_at_ = now;
  if (ring_.advance(now, kStep, kStep / 10)) readings_[ring_.index(0)] = Remembered(reading);
  if (minutes_.advance(now, kMemory, kStep / 10))
    by_minute_[minutes_.index(0)] = Remembered(reading);
}

std::optional<double> KernelHistory::latest(KernelValue value) const noexcept {
  const auto& latest = latest_[index_of(value)];
  if (!latest) return std::nullopt;
  return static_cast<double>(*latest);
}

std::optional<double> KernelHistory::least(KernelValue value,
                                           std::chrono::nanoseconds window) const noexcept {
  std::optional<double> least = latest(value);
  if (!least) return std::nullopt;
  const std::size_t slots = ring_.count_since(latest_at_ - window);
  for (std::size_t back = 0; back < slots; ++back) {
    const auto before = readings_[ring_.index(back)].of(value);
    if (before) least = std::min(*least, static_cast<double>(*before));
  }
  return least;
}

std::optional<Growth> KernelHistory::growth(KernelValue value) const noexcept {
  if (!latest_[index_of(value)]) return std::nullopt;
  const std::uint64_t now = *latest_[index_of(value)];
  std::uint64_t least = now;
  std::optional<Growth> growth;
  for (std::size_t back = 0; back < ring_.count(); ++back) {
    const auto before = readings_[ring_.index(back)].of(value);
    const auto age = latest_at_ - ring_.start(back);
    if (!before || *before > least || (growth && age > kMemory)) break;
    least = *before;
    if (age < kStep - kStep / 10) continue;
    growth = Growth{static_cast<double>(now - *before), seconds(age)};
  }
  return growth;
}

std::optional<double> KernelHistory::busiest_rate(KernelValue value) const noexcept {
  const auto latest = growth(value);
  if (!latest) return std::nullopt;
  double busiest = latest->per_second();
  for (std::size_t back = 0; back + 1 < minutes_.count(); ++back) {
    const auto end = by_minute_[minutes_.index(back)].of(value);
    const auto begin = by_minute_[minutes_.index(back + 1)].of(value);
    if (!begin || !end || *end < *begin) continue;
    const auto time = minutes_.start(back) - minutes_.start(back + 1);
    busiest = std::max(busiest, static_cast<double>(*end - *begin) / seconds(time));
  }
  return busiest;
}

}  // namespace sockdiag
