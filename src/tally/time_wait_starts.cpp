// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/time_wait_starts.hpp"

namespace sockdiag {

void TimeWaitStarts::begin(TimePoint now, Milliseconds length) {
  seen_.give_back_memory();
  now_ = now;
  length_ = length;
  begin_round();
}

// Rounds return after 255 samples, and so many can be lost in a row. Marks what they have shown as
// shown by none of the last 255.
void TimeWaitStarts::begin_round() noexcept {
  if (++round_ != 0) return;
  seen_.erase_if([](Seen& seen) {
    seen.round = 0;
    return false;
  });
  round_ = 1;
}

bool TimeWaitStarts::is_young(Milliseconds remaining) const noexcept {
  return last_ && length_ - remaining <= now_ - *last_ + kTolerance;
}

bool TimeWaitStarts::is_new(std::uint64_t cookie, Milliseconds remaining) {
  Seen* const seen = seen_.find(cookie);
  if (seen == nullptr) {
    if (seen_.size() >= kMaxSockets) return false;
    return seen_.insert(cookie, {round_, is_young(remaining)}).is_new;
  }
  if (seen->round == round_) return false;  // a dump may show a socket twice
  seen->round = round_;
  return seen->is_new;  // a lost sample has shown it first
}

void TimeWaitStarts::finish() noexcept {
  last_ = now_;
  seen_.erase_if([&](Seen& seen) {
    seen.is_new = false;
    return seen.round != round_;
  });
}

}  // namespace sockdiag
