// SPDX-License-Identifier: Apache-2.0
#include "schedule.hpp"

#include <algorithm>

namespace sockdiag {

std::chrono::nanoseconds interval_in_force(std::chrono::nanoseconds asked, double cpu_budget,
                                           std::chrono::nanoseconds cpu_time) {
  const auto needed = std::chrono::ceil<std::chrono::nanoseconds>(
      std::chrono::duration<double, std::nano>(static_cast<double>(cpu_time.count()) / cpu_budget));
  return std::max(asked, needed);
}

double share_of_cpu(std::chrono::nanoseconds cpu_time, std::chrono::nanoseconds interval) {
  return static_cast<double>(cpu_time.count()) / static_cast<double>(interval.count());
}

std::chrono::steady_clock::time_point next_due(std::chrono::steady_clock::time_point last,
                                               std::chrono::steady_clock::time_point now,
                                               std::chrono::nanoseconds interval) {
  if (now < last) return last + interval;
  return last + ((now - last) / interval + 1) * interval;
}

}  // namespace sockdiag
