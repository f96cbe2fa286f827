// SPDX-License-Identifier: Apache-2.0
#pragma once

// Tells the service manager when the exporter is ready, reloads and stops. READY waits up to a
// second for a busy manager; a lost READY is logged. Safe from any thread.

#include <atomic>
#include <functional>
#include <mutex>
#include <string_view>

#include "sockdiag/core/exporter_state.hpp"

namespace sockdiag {

class Readiness {
 public:
  // The exporter is ready once it listens and has sampled, in either order. Repeating is cheap.
  void listening() { complete(kListening); }
  void sampled() { complete(kSampled); }

  // Runs `reload` and returns its result. Tells the manager when it begins and ends, except while
  // the exporter starts or stops.
  ReloadResult announce(const std::function<ReloadResult()>& reload);

  // Tells the manager that the exporter stops. No message follows it, not even of a reload that
  // still runs.
  void stopping();

 private:
  static constexpr unsigned kListening = 1;
  static constexpr unsigned kSampled = 2;
  static constexpr unsigned kReady = kListening | kSampled;

  void complete(unsigned part);
  void say_reloading();
  void say_ready(std::string_view status);

  std::atomic<unsigned> completed_ = 0;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;  // held while a message is sent: no other overtakes it
};

}  // namespace sockdiag
