// SPDX-License-Identifier: Apache-2.0
#pragma once

// Handles SIGTERM and SIGINT, which end the process, and SIGHUP, which reloads. Call these from the
// main thread before any other starts. Threads that start later inherit the handling.

#include <csignal>

namespace sockdiag {

// Keeps these signals pending until the command line has been read.
class HeldSignals {
 public:
  HeldSignals() noexcept;
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;
  ~HeldSignals() = default;

  // For commands that end by themselves. Pending signals take their default action.
  void release() noexcept;

 private:
  sigset_t before_{};
};

// For a process that serves. SIGTERM and SIGINT, pending ones included, end it with status 0 within
// two seconds, whatever its threads wait for. SIGHUP is kept for wait_for_signal(). SIGPIPE is
// ignored.
void handle_signals() noexcept;

// Ends the process with that status within two seconds if it does not end by itself, whatever its
// threads wait for. Call it after handle_signals().
void end_within_two_seconds(int status) noexcept;

// Waits for a signal. Returns SIGHUP once for each that arrived, or the signal that ends the
// process. Call it after handle_signals().
[[nodiscard]] int wait_for_signal() noexcept;

}  // namespace sockdiag
