// SPDX-License-Identifier: Apache-2.0
#pragma once

// How sampling one source goes: what the exporter says of itself. A plain value.

#include <chrono>
#include <cstdint>
#include <optional>

namespace sockdiag {

struct SampleStatus {
  bool success = false;  // of the last attempt
  std::optional<std::chrono::system_clock::time_point> last_success;
  std::chrono::nanoseconds duration{};        // of the last attempt
  std::chrono::nanoseconds cpu_time_total{};  // of the attempts so far
  std::chrono::nanoseconds interval{};        // in force
  std::uint64_t failures = 0;
  std::uint64_t interrupted_dumps = 0;
};

}  // namespace sockdiag
