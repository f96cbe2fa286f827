// SPDX-License-Identifier: Apache-2.0
#include "requested_task.hpp"

#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

namespace sockdiag {

RequestedTask::RequestedTask(std::function<void()> task)
    : task_(std::move(task)), thread_([this](const std::stop_token& stop) { run(stop); }) {}

void RequestedTask::request() {
  {
    const std::lock_guard lock(mutex_);
    requested_ = true;
  }
  changed_.notify_one();
}

void RequestedTask::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return requested_; }) && !stop.stop_requested()) {
    requested_ = false;
    lock.unlock();
    try {
      task_();
    } catch (const std::exception& error) {
      spdlog::error("{}", error.what());
    }
    lock.lock();
  }
}

}  // namespace sockdiag
