// SPDX-License-Identifier: Apache-2.0
#pragma once

// When the next sample is due. Pure functions.

#include <algorithm>
#include <chrono>

namespace sockdiag {

// The interval that keeps a sample which took `cpu_time` within `cpu_budget` (of one CPU, above 0),
// never under the one asked for.
[[nodiscard]] inline std::chrono::nanoseconds interval_in_force(std::chrono::nanoseconds asked,
                                                                double cpu_budget,
                                                                std::chrono::nanoseconds cpu_time) {
  const auto needed = std::chrono::duration<double, std::nano>(cpu_time) / cpu_budget;
  return std::max(asked, std::chrono::ceil<std::chrono::nanoseconds>(needed));
}

// What work of `cpu_time` in each `interval` takes of one CPU.
[[nodiscard]] inline double share_of_cpu(std::chrono::nanoseconds cpu_time,
                                         std::chrono::nanoseconds interval) {
  return std::chrono::duration<double>(cpu_time) / interval;
}

// The first time after `now` that lies a whole number of intervals after `last`: no drift, and
// samples that were missed are not made up for. `interval` is above 0.
[[nodiscard]] inline std::chrono::steady_clock::time_point next_due(
    std::chrono::steady_clock::time_point last, std::chrono::steady_clock::time_point now,
    std::chrono::nanoseconds interval) {
  if (now < last) return last + interval;
  return last + ((now - last) / interval + 1) * interval;
}

}  // namespace sockdiag
