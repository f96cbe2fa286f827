// SPDX-License-Identifier: Apache-2.0
#pragma once

// A value that sampling publishes, with the time from which on it is too old to be shown.

#include <chrono>
#include <memory>

namespace sockdiag {

// The last good value of one source. Later values may share it.
template <typename Value>
struct Sampled {
  using TimePoint = std::chrono::steady_clock::time_point;

  std::shared_ptr<const Value> value;  // null before the first
  TimePoint withdrawn_after;           // from then on it is too old to be shown

  [[nodiscard]] bool is_fresh(TimePoint now) const noexcept {
    return value != nullptr && now <= withdrawn_after;
  }
};

}  // namespace sockdiag
