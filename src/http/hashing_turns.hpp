// SPDX-License-Identifier: Apache-2.0
#pragma once

// Lets one thread at a time hash a password, the first that came first, so that guessing takes a
// quarter of one processor at most and holds few workers. Safe from any thread.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>

namespace sockdiag {

class HashingTurns {
 public:
  explicit HashingTurns(std::size_t most_at_once) : most_(most_at_once) {}

  // Waits for the turn of this client, for three seconds at most. Returns false if it did not come,
  // and at once if the client already waits or too many do. Throws std::bad_alloc.
  [[nodiscard]] bool enter(const std::string& client);

  // Ends the turn that enter() gave to this thread. After a wrong password the next turn begins
  // later, by three times the processor time that this one took.
  void leave(bool was_right) noexcept;

 private:
  using Clock = std::chrono::steady_clock;
  using CpuTime = std::chrono::nanoseconds;  // of a thread, since its start

  [[nodiscard]] bool is_turn_of(const std::string& client) const noexcept {
    return !busy_ && line_.front() == client;
  }

  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> line_;  // clients, each once; while `busy_` the first one hashes
  bool busy_ = false;
  CpuTime began_{};  // the turn
  Clock::time_point next_{};
};

}  // namespace sockdiag
