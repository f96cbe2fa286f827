// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/lifetimes.hpp"

#include <algorithm>

namespace sockdiag {
namespace {

// A fourth of the room more may be followed while sockets that have gone still hold their slots.
constexpr std::size_t kShareForGone = 4;
constexpr std::uint64_t kMillisecondBits = (std::uint64_t{1} << 48) - 1;

std::uint64_t round_down(Lifetimes::TimePoint time) {
  return static_cast<std::uint64_t>(
      std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count());
}

std::uint64_t round_up(Lifetimes::TimePoint time) {
  return static_cast<std::uint64_t>(
      std::chrono::ceil<std::chrono::milliseconds>(time.time_since_epoch()).count());
}

}  // namespace

Lifetimes::Followed Lifetimes::seen_first(TcpState state) const noexcept {
  return {.since_ms = 0,
          .state = static_cast<std::uint64_t>(state) & 0xf,
          .fresh = 1,
          .round = round_.number(),
          .used = 1};
}

void Lifetimes::date(std::uint64_t cookie, TcpState state, TimePoint since) {
  take_from_budget();
  if (followed_.size() >= max_sockets_) return;
  Followed dated = seen_first(state);
  dated.since_ms = round_up(since) & kMillisecondBits;
  dated.fresh = 0;
  followed_.insert(cookie, dated);
}

void Lifetimes::begin(TimePoint now) {
  followed_.give_back_memory();
  if (round_.begin()) {
    followed_.erase_if([](Followed& socket) {
      socket.round = 0;
      return false;
    });
  }
  take_from_budget();
  now_ms_ = round_down(now);
  unfollowed_ = 0;
  seen_ = 0;
}

void Lifetimes::take_from_budget() noexcept {
  budget_.change(kind_, taken_, followed_.size());
  taken_ = followed_.size();
  max_sockets_ = budget_.room(kind_, taken_);
  most_ = max_sockets_ + std::min(max_sockets_ / kShareForGone, went_);
}

std::optional<Lifetimes::Milliseconds> Lifetimes::follow(std::uint64_t cookie, TcpState state) {
  Followed* const found = followed_.find(cookie);
  if (found == nullptr) {
    if (followed_.size() >= most_) {
      ++unfollowed_;
      return std::nullopt;
    }
    followed_.insert(cookie, seen_first(state));
    ++seen_;
    any_fresh_ = true;
    return Milliseconds(0);
  }
  Followed socket = *found;
  if (socket.round != round_.number()) ++seen_;
  socket.round = round_.number();
  if (socket.state != static_cast<std::uint64_t>(state)) {
    socket = seen_first(state);
    any_fresh_ = true;
  }
  *found = socket;  // as a whole: reading below what was written in part would stall
  if (socket.fresh != 0 || socket.since_ms > now_ms_) return Milliseconds(0);
  return Milliseconds(now_ms_ - socket.since_ms);
}

void Lifetimes::finish(TimePoint now) noexcept {
  const std::size_t went = followed_.size() - seen_;
  if (went > 0) {
    followed_.erase_if([&](const Followed& socket) { return socket.round != round_.number(); });
  }
  if (any_fresh_) keep(max_sockets_, round_up(now));
  any_fresh_ = false;
  went_ = unfollowed_ > 0 ? went : std::numeric_limits<std::size_t>::max();
  take_from_budget();
}

// Dates the fresh sockets. Drops them while there are more than `most`: they have no age yet.
void Lifetimes::keep(std::size_t most, std::uint64_t end_ms) noexcept {
  followed_.erase_if([&](Followed& socket) {
    if (socket.fresh == 0) return false;
    if (followed_.size() > most) {
      ++unfollowed_;
      return true;
    }
    socket.since_ms = end_ms & kMillisecondBits;
    socket.fresh = 0;
    return false;
  });
}

}  // namespace sockdiag
