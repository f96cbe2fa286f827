// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/time_wait_starts.hpp"

namespace sockdiag {

void TimeWaitStarts::begin(TimePoint now, Milliseconds length) {
  seen_.give_back_memory();
  now_ = now;
  length_ = length;
  if (!round_.begin()) return;
  seen_.erase_if([](Seen& seen) {
    seen.round = 0;
    return false;
  });
}

bool TimeWaitStarts::is_young(Milliseconds remaining) const noexcept {
  return last_ && length_ - remaining <= now_ - *last_ + kTolerance;
}

bool TimeWaitStarts::is_new(std::uint64_t cookie, Milliseconds remaining) {
  Seen* const seen = seen_.find(cookie);
  if (seen == nullptr) {
    if (seen_.size() >= kMaxSockets) return false;
    return seen_.insert(cookie, {round_.number(), is_young(remaining)}).is_new;
  }
  if (seen->round == round_.number()) return false;  // a dump may show a socket twice
  seen->round = round_.number();
  return seen->is_new;  // a lost sample has shown it first
}

void TimeWaitStarts::finish() noexcept {
  last_ = now_;
  seen_.erase_if([&](Seen& seen) {
    seen.is_new = false;
    return seen.round != round_.number();
  });
}

}  // namespace sockdiag
