// SPDX-License-Identifier: Apache-2.0
#pragma once

// Runs a task on a thread of its own, so that whoever requests it does not wait.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace sockdiag {

class RequestedTask {
 public:
  // Exceptions of the task are logged. Throws std::system_error if the thread cannot start.
  explicit RequestedTask(std::function<void()> task);
  RequestedTask(const RequestedTask&) = delete;
  RequestedTask& operator=(const RequestedTask&) = delete;

  // Waits for the task if it runs.
  ~RequestedTask() = default;

  // Returns at once. The task starts at least once after each request; requests that arrive while
  // it runs are merged into one. Safe from any thread.
  void request();

 private:
  void run(const std::stop_token& stop);

  std::function<void()> task_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool requested_ = false;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace sockdiag
