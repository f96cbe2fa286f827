// SPDX-License-Identifier: Apache-2.0
#include "hashing_turns.hpp"

#include <algorithm>
#include <ctime>

namespace sockdiag {
namespace {

constexpr std::chrono::seconds kLongestWait(3);
constexpr int kRest = 3;  // times the processor time of a turn

std::chrono::nanoseconds cpu_time() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

bool HashingTurns::enter(const std::string& client) {
  std::unique_lock lock(mutex_);
  if (line_.size() >= most_ || std::find(line_.begin(), line_.end(), client) != line_.end()) {
    return false;
  }
  line_.push_back(client);
  const auto deadline = Clock::now() + kLongestWait;
  bool turn = changed_.wait_until(lock, deadline, [&] { return is_turn_of(client); });
  while (turn && Clock::now() < next_ && next_ < deadline) changed_.wait_until(lock, next_);
  turn = turn && Clock::now() >= next_;
  if (turn) {
    busy_ = true;
    began_ = cpu_time();
  } else {
    std::erase(line_, client);
    changed_.notify_all();
  }
  return turn;
}

void HashingTurns::leave(bool was_right) noexcept {
  const std::lock_guard lock(mutex_);
  next_ = Clock::now();
  if (!was_right) next_ += kRest * (cpu_time() - began_);
  busy_ = false;
  line_.pop_front();
  changed_.notify_all();
}

}  // namespace sockdiag
