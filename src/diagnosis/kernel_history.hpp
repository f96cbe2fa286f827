// SPDX-License-Identifier: Apache-2.0
#pragma once

// What is remembered of the kernel's counters and gauges: a reading each five seconds of the last
// minute, and one each minute of the last five. A value that was the same in all of them takes no
// memory beside the object's, another one kMovingBytes. Not thread-safe.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "ring.hpp"
#include "sockdiag/core/kernel_values.hpp"
#include "sparse_array.hpp"

namespace sockdiag {

// Those of the kernel's values that rules look at.
enum class KernelValue : std::uint8_t {
  listen_overflows,
  listen_drops,
  request_queue_full_drops,
  request_queue_full_cookies,
  cookies_sent,
  time_wait_overflows,
  aborts_on_memory,
  active_opens,
  passive_opens,
  attempt_failures,
  embryonic_resets,
  orphaned_sockets,
  allocated_sockets,
  memory_bytes,
  orphans_limit,
  memory_pressure_bytes,
  memory_limit_bytes,
  time_wait_limit
};

inline constexpr std::size_t kKernelValueCount = 18;

[[nodiscard]] constexpr std::size_t index_of(KernelValue value) noexcept {
  return static_cast<std::size_t>(value);
}

// By KernelValue. Bytes where the kernel counts pages.
using KernelReading = std::array<std::optional<std::uint64_t>, kKernelValueCount>;

[[nodiscard]] KernelReading reading_of(const KernelValues& values);

// What a counter has grown by, in how long.
struct Growth {
  // A rate over less time than this may be a burst's.
  static constexpr double kSteadySeconds = 30;

  double events = 0;
  double seconds = 0;  // above 0

  [[nodiscard]] double per_second() const noexcept { return events / seconds; }
  // Never more than per_second(): as if nothing had happened before what is remembered.
  [[nodiscard]] double steady_per_second() const noexcept {
    return events / (seconds < kSteadySeconds ? kSteadySeconds : seconds);
  }
};

class KernelHistory {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::seconds kStep{5};
  static constexpr std::chrono::seconds kMemory{60};
  static constexpr std::size_t kMovingBytes = 176;

  KernelHistory() noexcept { latest_.fill(kMissing); }

  // Forgets what is older than three intervals, if that is more than a minute. Throws
  // std::bad_alloc, and then remembers what it did before.
  void record(const KernelReading& reading, TimePoint now, std::chrono::nanoseconds interval);

  // Bytes that are allocated.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

  [[nodiscard]] std::optional<double> latest(KernelValue value) const noexcept;

  // Returns the least of the last `window`.
  [[nodiscard]] std::optional<double> least(KernelValue value,
                                            std::chrono::nanoseconds window) const noexcept;

  // Returns the growth of a counter over the last minute, or since the last interval if that is
  // longer. Nothing before two readings lie five seconds apart. A counter that fell begins anew.
  [[nodiscard]] std::optional<Growth> growth(KernelValue value) const noexcept;

  // Returns the growth per second of the busiest of the last five minutes: what lingers now may be
  // of a load that has just ended.
  [[nodiscard]] std::optional<double> busiest_rate(KernelValue value) const noexcept;

 private:
  static constexpr std::size_t kReadings = 16;
  static constexpr std::size_t kMinutes = 6;
  static constexpr std::uint64_t kMissing = ~std::uint64_t{0};

  // What one value was at each reading of the two rings.
  struct Past {
    std::uint64_t steady = kMissing;  // at all readings, while `values` has no memory
    SparseArray<std::uint64_t, kReadings + kMinutes> values;

    void set(std::size_t place, std::uint64_t value) noexcept;
  };

  // Limits are settings: what they were before is not asked for.
  static constexpr std::size_t kRemembered = index_of(KernelValue::orphans_limit);

  // Returns nothing for a limit, and where the value was missing.
  [[nodiscard]] std::optional<std::uint64_t> at_reading(KernelValue value,
                                                        std::size_t back) const noexcept;
  [[nodiscard]] std::optional<std::uint64_t> at_minute(KernelValue value,
                                                       std::size_t back) const noexcept;
  [[nodiscard]] std::optional<std::uint64_t> at_place(KernelValue value,
                                                      std::size_t place) const noexcept;
  void remember(std::size_t place) noexcept;

  Ring<kReadings> ring_;
  Ring<kMinutes> minutes_;  // their places come after those of the readings
  std::array<Past, kRemembered> past_{};
  std::array<std::uint64_t, kKernelValueCount> latest_{};
  TimePoint latest_at_;
};

}  // namespace sockdiag
