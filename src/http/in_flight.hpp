// SPDX-License-Identifier: Apache-2.0
#pragma once

// Counts the requests that are being answered, so that a server can end when there are none. Safe
// from any thread.

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace sockdiag {

class InFlight {
 public:
  void enter() {
    const std::lock_guard lock(mutex_);
    ++count_;
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    if (--count_ == 0) none_.notify_all();
  }
  void wait_for_none(std::chrono::milliseconds at_most) {
    std::unique_lock lock(mutex_);
    none_.wait_for(lock, at_most, [this] { return count_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable none_;
  unsigned count_ = 0;
};

}  // namespace sockdiag
