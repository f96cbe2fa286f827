// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/core/time_wait_starts.hpp"

#include <algorithm>
#include <utility>

namespace sockdiag {

void TimeWaitStarts::begin(TimePoint now) {
  now_ = now;
  young_next_ = Cookies();
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
  young_ = std::exchange(young_next_, Cookies());
}

}  // namespace sockdiag
