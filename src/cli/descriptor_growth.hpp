// SPDX-License-Identifier: Apache-2.0
#pragma once

// How fast the descriptors of one process become more, from counts over time. Not thread-safe.

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace sockdiag {

class DescriptorGrowth {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Takes a count that is later than the one before. Keeps at most 128.
  void add(TimePoint time, std::uint64_t descriptors);

  // Returns nothing unless every count of the later half is above all of the earlier half, by
  // kLeastGrowth at the end: connections that come and go are no growth.
  [[nodiscard]] std::optional<double> per_second() const;

  static constexpr std::uint64_t kLeastGrowth = 3;

 private:
  struct Count {
    TimePoint time;
    std::uint64_t descriptors;
  };
  std::vector<Count> counts_;
};

}  // namespace sockdiag
