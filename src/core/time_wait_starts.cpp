// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/core/time_wait_starts.hpp"

#include "sockdiag/core/cookie_table.hpp"

namespace sockdiag {

TimeWaitStarts::TimeWaitStarts() { seen_.max_load_factor(kCookieTableLoad); }

void TimeWaitStarts::begin(TimePoint now) {
  give_back_memory(seen_);
  now_ = now;
  ++round_;
}

bool TimeWaitStarts::is_young(Milliseconds remaining) const noexcept {
  return last_ && kLength - remaining <= now_ - *last_ + kTolerance;
}

bool TimeWaitStarts::is_new(std::uint64_t cookie, Milliseconds remaining) {
  const auto found = seen_.find(cookie);
  if (found == seen_.end()) {
    if (seen_.size() >= kMaxSockets) return false;
    const Seen seen{round_, is_young(remaining)};
    seen_.insert({cookie, seen});
    return seen.is_new;
  }
  Seen& seen = found.value();
  if (seen.round == round_) return false;  // a dump may tell a socket twice
  seen.round = round_;
  return seen.is_new;  // found by a sample that was lost
}

void TimeWaitStarts::finish() noexcept {
  last_ = now_;
  for (auto each = seen_.begin(); each != seen_.end();) {
    if (each->second.round != round_) {
      each = seen_.erase(each);
      continue;
    }
    each.value().is_new = false;
    ++each;
  }
}

}  // namespace sockdiag
