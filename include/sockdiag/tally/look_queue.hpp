// SPDX-License-Identifier: Apache-2.0
#pragma once

// Looks into a CookieTable, kept back until there are many into the same region of it: what a look
// needs, memory and its pages' translations, is then fetched once for many of them. The kernel's
// work between two datagrams takes it away again.
//
// Not thread-safe. Memory: a 32nd of the table's, with looks as large as its slots.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace sockdiag {

template <typename Look>
class LookQueue {
 public:
  static constexpr std::size_t kDepth = 1024;  // looks kept back for a region
  static constexpr std::size_t kAtOnce = 32;   // looks whose memory the fastest cache can hold

  // Drops what is kept back. `regions` is a power of two; where there are more of them later, some
  // share a place. Throws std::bad_alloc; then begin() has to be called again.
  void begin(std::size_t regions) {
    waiting_.assign(regions, 0);
    if (looks_.size() != regions * kDepth) looks_ = std::vector<Look>(regions * kDepth);
  }

  // Hands all of the region over once there are enough: take(std::span<const Look>), at most
  // kAtOnce at a time.
  template <typename Take>
  void add(std::size_t region, const Look& look, const Take& take) {
    const std::size_t place = region & (waiting_.size() - 1);
    looks_[place * kDepth + waiting_[place]++] = look;
    if (waiting_[place] == kDepth) hand_over(place, take);
  }

  template <typename Take>
  void hand_over_all(const Take& take) {
    for (std::size_t place = 0; place < waiting_.size(); ++place) hand_over(place, take);
  }

 private:
  template <typename Take>
  void hand_over(std::size_t place, const Take& take) {
    const std::size_t count = std::exchange(waiting_[place], 0);
    auto looks = std::span<const Look>(looks_).subspan(place * kDepth, count);
    while (!looks.empty()) {
      take(looks.first(std::min(kAtOnce, looks.size())));
      looks = looks.subspan(std::min(kAtOnce, looks.size()));
    }
  }

  std::vector<Look> looks_;             // kDepth for each region
  std::vector<std::uint32_t> waiting_;  // by region
};

}  // namespace sockdiag
