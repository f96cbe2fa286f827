// SPDX-License-Identifier: Apache-2.0
#include "kernel_history.hpp"

#include <algorithm>
#include <numeric>
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

void KernelHistory::Past::set(std::size_t place, std::uint64_t value) noexcept {
  values.set(place, value);
  if (values.free_if_all_are(value)) steady = value;
}

std::optional<std::uint64_t> KernelHistory::at_place(KernelValue value,
                                                     std::size_t place) const noexcept {
  const std::size_t index = index_of(value);
  if (index >= past_.size()) return std::nullopt;
  const std::uint64_t then = past_[index].values.at(place, past_[index].steady);
  return then == kMissing ? std::nullopt : std::optional(then);
}

std::optional<std::uint64_t> KernelHistory::at_reading(KernelValue value,
                                                       std::size_t back) const noexcept {
  return at_place(value, ring_.index(back));
}

std::optional<std::uint64_t> KernelHistory::at_minute(KernelValue value,
                                                      std::size_t back) const noexcept {
  return at_place(value, kReadings + minutes_.index(back));
}

void KernelHistory::remember(std::size_t place) noexcept {
  for (std::size_t i = 0; i < past_.size(); ++i) past_[i].set(place, latest_[i]);
}

void KernelHistory::record(const KernelReading& reading, TimePoint now,
                           std::chrono::nanoseconds interval) {
  static_assert(kMovingBytes == (kReadings + kMinutes) * sizeof(std::uint64_t));
  const auto remembered = std::max<std::chrono::nanoseconds>(kMemory, 3 * interval);
  const bool is_first = ring_.count() == 0;
  for (std::size_t i = 0; i < past_.size(); ++i) {
    const std::uint64_t value = reading[i].value_or(kMissing);
    if (is_first) past_[i].steady = value;
    past_[i].values.make_room_for(value, past_[i].steady);
  }
  if (now - latest_at_ > remembered) {
    ring_.clear();
    minutes_.clear();
  }
  std::transform(reading.begin(), reading.end(), latest_.begin(),
                 [](const auto& value) { return value.value_or(kMissing); });
  latest_at_ = now;
  if (ring_.advance(now, kStep, kStep / 10)) remember(ring_.index(0));
  if (minutes_.advance(now, kMemory, kStep / 10)) remember(kReadings + minutes_.index(0));
}

std::size_t KernelHistory::memory_bytes() const noexcept {
  return std::accumulate(
      past_.begin(), past_.end(), std::size_t{0},
      [](std::size_t bytes, const Past& past) { return bytes + past.values.memory_bytes(); });
}

std::optional<double> KernelHistory::latest(KernelValue value) const noexcept {
  const std::uint64_t latest = latest_[index_of(value)];
  if (latest == kMissing) return std::nullopt;
  return static_cast<double>(latest);
}

std::optional<double> KernelHistory::least(KernelValue value,
                                           std::chrono::nanoseconds window) const noexcept {
  std::optional<double> least = latest(value);
  if (!least) return std::nullopt;
  const std::size_t slots = ring_.count_since(latest_at_ - window);
  for (std::size_t back = 0; back < slots; ++back) {
    const auto before = at_reading(value, back);
    if (before) least = std::min(*least, static_cast<double>(*before));
  }
  return least;
}

std::optional<Growth> KernelHistory::growth(KernelValue value) const noexcept {
  const std::uint64_t now = latest_[index_of(value)];
  if (now == kMissing) return std::nullopt;
  std::uint64_t least = now;
  std::optional<Growth> growth;
  for (std::size_t back = 0; back < ring_.count(); ++back) {
    const auto before = at_reading(value, back);
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
    const auto end = at_minute(value, back);
    const auto begin = at_minute(value, back + 1);
    if (!begin || !end || *end < *begin) continue;
    const auto time = minutes_.start(back) - minutes_.start(back + 1);
    busiest = std::max(busiest, static_cast<double>(*end - *begin) / seconds(time));
  }
  return busiest;
}

}  // namespace sockdiag
