// SPDX-License-Identifier: Apache-2.0
#include "line_limit.hpp"

#include <algorithm>
#include <functional>

namespace sockdiag {

bool LineLimit::admits(std::string_view text, bool repeats_matter, TimePoint now) noexcept {
  const std::lock_guard lock(mutex_);
  // The clock may also be set back.
  if (now - began_ >= kPeriod || now < began_) begin_period(now);
  const bool is_one_of_few = !repeats_matter || count(text) <= kMostAlike;
  if (is_one_of_few && lines_ < kMost) {
    ++lines_;
    return true;
  }
  ++suppressed_;
  return false;
}

std::size_t LineLimit::suppressed() const noexcept {
  const std::lock_guard lock(mutex_);
  return suppressed_;
}

void LineLimit::begin_period(TimePoint now) noexcept {
  began_ = now;
  lines_ = 0;
  texts_.fill({});
}

// Counts one more line of that text, and returns how many there were in this period.
std::size_t LineLimit::count(std::string_view text) noexcept {
  const std::size_t hash = std::hash<std::string_view>{}(text);
  auto* const found = std::find_if(texts_.begin(), texts_.end(), [&](const Text& each) {
    return each.lines > 0 && each.hash == hash;
  });
  if (found != texts_.end()) return ++found->lines;
  texts_[next_] = {hash, 1};
  next_ = (next_ + 1) % texts_.size();
  return 1;
}

}  // namespace sockdiag
