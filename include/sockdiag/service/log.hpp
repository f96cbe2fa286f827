// SPDX-License-Identifier: Apache-2.0
#pragma once

// Log lines on standard error, through spdlog's default logger: code calls spdlog::info() and the
// like. Lines are UTC, one event each; the text is escaped, whatever bytes it holds.

#include <memory>

#include "sockdiag/configuration/configuration.hpp"

namespace sockdiag {

// Replaces spdlog's default logger by one that writes each line at once, and waits where standard
// error is not read. Before other threads start.
void set_up_logging(const Configuration::Log& log);

// Replaces spdlog's default logger by one that never waits: a thread of its own writes the lines,
// in their order. 512 lines wait for it; more push out the oldest, and a line says how many are
// missing and where. Lines are written while the object lives; its end waits until all are, or for
// ever where standard error is not read. Before other threads start, and after they have ended.
class BackgroundLog {
 public:
  // Throws std::runtime_error where no thread can be had.
  explicit BackgroundLog(const Configuration::Log& log);
  BackgroundLog(const BackgroundLog&) = delete;
  BackgroundLog& operator=(const BackgroundLog&) = delete;
  ~BackgroundLog() = default;

 private:
  std::shared_ptr<void> thread_;  // spdlog's pool
};

// Safe from any thread.
void set_log_level(LogLevel level);

}  // namespace sockdiag
