// SPDX-License-Identifier: Apache-2.0
#pragma once

// What signals ask of the process: SIGTERM and SIGINT to end, SIGHUP to reload. All of it is for
// the main thread, before any other starts; threads that start later handle signals alike.

#include <csignal>

namespace sockdiag {

// Keeps these signals pending until it is known what they mean to the command at hand.
class HeldSignals {
 public:
  HeldSignals() noexcept;
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;
  ~HeldSignals() = default;

  // For commands that end by themselves: what came meanwhile has its default action now.
  void release() noexcept;

 private:
  sigset_t before_{};
};

// For a process that serves. From here on SIGTERM and SIGINT, held ones included, end it with
// status 0 within two seconds, whatever its threads wait for. SIGHUP is kept for wait_for_signal(),
// and SIGPIPE is ignored.
void handle_signals() noexcept;

// After handle_signals(), for a process that is about to end by itself with that status: it waits
// no longer for what hangs.
void end_within_two_seconds(int status) noexcept;

// Waits after handle_signals(). Returns SIGHUP once for each that came, or the signal that ends the
// process.
[[nodiscard]] int wait_for_signal() noexcept;

}  // namespace sockdiag
