// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/core/time_wait_starts.hpp"

#include <algorithm>
#include <utility>

namespace sockdiag {

TimeWaitStarts::TimeWaitStarts() : young_(no_cookies()), young_next_(no_cookies()) {}

// A set without buckets: memory for as many as there were, not as there once were.
TimeWaitStarts::Cookies TimeWaitStarts::no_cookies() {
  Cookies cookies;
  cookies.max_load_factor(0.8F);
  return cookies;
}

void TimeWaitStarts::begin(TimePoint now) {
  now_ = now;
  young_next_ = no_cookies();
}

bool TimeWaitStarts::is_new(std::uint64_t cookie, Milliseconds remaining) {
  const Milliseconds age = std::max<Milliseconds>(kLength - remaining, Milliseconds(0));
  // A dump may tell a socket twice.
  if (age <= kYoung && !young_next_.insert(cookie).second) return false;
  if (!last_ || age > now_ - *last_ + kTolerance) return false;
  return !young_.contains(cookie);
}

void TimeWaitStarts::finish() {
  last_ = now_;
  young_ = std::exchange(young_next_, no_cookies());
}

}  // namespace sockdiag
