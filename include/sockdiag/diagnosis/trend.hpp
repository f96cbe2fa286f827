// SPDX-License-Identifier: Apache-2.0
#pragma once

// How many sockets were in each state over the last hour, for a graph.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "sockdiag/core/samples.hpp"
#include "sockdiag/core/tcp_state.hpp"

namespace sockdiag {

// A value of fixed size, 7 000 bytes at most; each publication has a copy. Not safe from two
// threads at a time.
class Trend {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Counts = std::array<std::uint32_t, kTcpStateCount>;

  static constexpr std::chrono::seconds kStep{30};
  static constexpr std::size_t kPoints = 120;  // an hour

  // Takes the samples of one publication. The most sockets of each state within a step count. A
  // step without a fresh sample of the sockets is a gap.
  void add(const Samples& samples, TimePoint now) noexcept;

  // Returns the counts `back` steps ago (0: the current one); nothing if there is no sample.
  [[nodiscard]] std::optional<Counts> at(std::size_t back) const noexcept;

 private:
  struct Point {
    std::int64_t step = -1;  // since the clock's epoch
    Counts counts{};
  };
  std::array<Point, kPoints> points_{};
  std::int64_t newest_ = -1;
};

static_assert(sizeof(Trend) <= 7'000);

}  // namespace sockdiag
