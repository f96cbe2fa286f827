// SPDX-License-Identifier: Apache-2.0
#pragma once

// Runs a task on a thread of its own when it is asked to, so that whoever asks never waits for it.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace sockdiag {

class RequestedTask {
 public:
  // What the task throws is logged. Throws std::system_error where no thread can be had.
  explicit RequestedTask(std::function<void()> task);
  RequestedTask(const RequestedTask&) = delete;
  RequestedTask& operator=(const RequestedTask&) = delete;

  // Waits for a task that runs.
  ~RequestedTask() = default;

  // Returns at once. The task begins at least once after this; requests that come while it runs
  // are one. Safe from any thread.
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
