// SPDX-License-Identifier: Apache-2.0
#pragma once

// Finds out whether all threads of CivetWeb have started. CivetWeb goes on without those that it
// could not create, and then leaves requests unanswered.

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

namespace sockdiag {

class CivetThreads {
 public:
  // Notes the threads of the process. Make it before CivetWeb starts.
  explicit CivetThreads(unsigned workers);

  // A thread of CivetWeb calls this when it starts.
  void count_one() noexcept;

  // Waits until the workers and the thread that accepts connections have started. Throws ServeError
  // when all threads that exist have started and some are missing, or after ten seconds. Throws
  // std::bad_alloc.
  void await_all();

 private:
  [[nodiscard]] bool more_can_start() const;

  const unsigned needed_;
  const std::vector<std::string> others_;  // names in /proc/self/task; empty if unreadable
  std::mutex mutex_;
  std::condition_variable started_;
  unsigned count_ = 0;
};

}  // namespace sockdiag
