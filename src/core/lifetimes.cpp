// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/core/lifetimes.hpp"

namespace sockdiag {
namespace {

constexpr float kMaxLoad = 0.8F;
// Buckets a followed socket from which on the table is made smaller.
constexpr std::size_t kTooRoomy = 8;
constexpr std::size_t kSmallTable = 1024;
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

Lifetimes::Lifetimes() { followed_.max_load_factor(kMaxLoad); }

Lifetimes::Followed Lifetimes::seen_first(TcpState state) const noexcept {
  return {
      .since_ms = 0, .state = static_cast<std::uint64_t>(state) & 0xf, .fresh = 1, .round = round_};
}

void Lifetimes::date(std::uint64_t cookie, TcpState state, TimePoint since) {
  if (followed_.size() >= max_sockets_) return;
  Followed dated = seen_first(state);
  dated.since_ms = round_up(since) & kMillisecondBits;
  dated.fresh = 0;
  followed_.insert({cookie, dated});
}

void Lifetimes::begin(TimePoint now) noexcept {
  ++round_;
  now_ms_ = round_down(now);
  unfollowed_ = 0;
}

std::optional<Lifetimes::Milliseconds> Lifetimes::follow(std::uint64_t cookie, TcpState state) {
  const auto found = followed_.find(cookie);
  if (found == followed_.end()) {
    if (followed_.size() >= max_sockets_) {
      ++unfollowed_;
      return std::nullopt;
    }
    followed_.insert({cookie, seen_first(state)});
    return Milliseconds(0);
  }
  Followed& socket = found.value();
  socket.round = round_;
  if (socket.state != static_cast<std::uint64_t>(state)) socket = seen_first(state);
  if (socket.fresh != 0 || socket.since_ms > now_ms_) return Milliseconds(0);
  return Milliseconds(now_ms_ - socket.since_ms);
}

void Lifetimes::finish(TimePoint now) {
  const std::uint64_t end = round_up(now);
  for (auto each = followed_.begin(); each != followed_.end();) {
    Followed& socket = each.value();
    if (socket.round != round_) {
      each = followed_.erase(each);
      continue;
    }
    if (socket.fresh != 0) socket.since_ms = end & kMillisecondBits;
    socket.fresh = 0;
    ++each;
  }
  give_back_memory();
}

void Lifetimes::give_back_memory() {
  const std::size_t buckets = followed_.bucket_count();
  if (buckets > kSmallTable && buckets / kTooRoomy > followed_.size()) followed_.rehash(0);
}

}  // namespace sockdiag
