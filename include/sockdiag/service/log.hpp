// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sets up spdlog's default logger, which writes to standard error. Callers log with spdlog::info()
// and the like. Each event is one line; times are UTC; the text is escaped, whatever bytes it
// holds.

#include <memory>

#include "sockdiag/configuration/configuration.hpp"

namespace sockdiag {

// Installs a logger that writes each line at once and waits while standard error is not read. Call
// it before other threads start.
void set_up_logging(const Configuration::Log& log);

// Installs a logger that never waits. A thread of its own writes the lines in order. Up to 512
// lines wait for it; more push out the oldest, and a line in their place says how many are missing.
// Within a minute it writes at most 10 warnings and errors of the same text, and at most 300 lines
// above level debug.
// The destructor waits until all lines are written, for ever if standard error is not read. If
// there was no memory for the last ones, it writes that instead. Construct it before other threads
// start, and destroy it after they have ended.
class BackgroundLog {
 public:
  // Throws std::runtime_error if the thread cannot start.
  explicit BackgroundLog(const Configuration::Log& log);
  BackgroundLog(const BackgroundLog&) = delete;
  BackgroundLog& operator=(const BackgroundLog&) = delete;
  ~BackgroundLog();

 private:
  class Sink;

  std::shared_ptr<void> thread_;  // spdlog's pool
  std::shared_ptr<Sink> sink_;
};

// Logs nothing from now on. Safe from any thread.
void silence_log();

// Logs events of `level` and above from now on. Safe from any thread.
void set_log_level(LogLevel level);

}  // namespace sockdiag
