// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where in a ring of slots each slot lies, and when it began. Several arrays of that many slots can
// share one ring.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>

namespace sockdiag {

template <std::size_t Size>
class Ring {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Begins a new slot if the newest has lasted for `length`, or for `early` less: a sample that
  // comes a little early still gets a slot of its own. Returns true if a slot began.
  bool advance(TimePoint now, std::chrono::nanoseconds length,
               std::chrono::nanoseconds early) noexcept {
    if (count_ > 0 && now - starts_[newest_] < length - early) return false;
    newest_ = (newest_ + 1) % Size;
    starts_[newest_] = now;
    count_ = std::min(count_ + 1, Size);
    return true;
  }

  void clear() noexcept { count_ = 0; }

  [[nodiscard]] std::size_t count() const noexcept { return count_; }

  // `back`: 0 is the newest slot; below count().
  [[nodiscard]] std::size_t index(std::size_t back) const noexcept {
    return (newest_ + Size - back) % Size;
  }
  [[nodiscard]] TimePoint start(std::size_t back) const noexcept { return starts_[index(back)]; }

  // Returns how many of the newest slots began at `start` or later.
  [[nodiscard]] std::size_t count_since(TimePoint start) const noexcept {
    std::size_t slots = 0;
    while (slots < count_ && this->start(slots) >= start) ++slots;
    return slots;
  }

 private:
  std::array<TimePoint, Size> starts_{};
  std::size_t newest_ = 0;
  std::size_t count_ = 0;
};

}  // namespace sockdiag
