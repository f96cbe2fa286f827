// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/exporter/service_manager.hpp"

#include <systemd/sd-daemon.h>

namespace sockdiag::service_manager {
namespace {

constexpr int kKeepEnvironment = 0;

void tell(const char* state) noexcept { static_cast<void>(::sd_notify(kKeepEnvironment, state)); }

}  // namespace

std::optional<std::chrono::microseconds> watchdog_period() noexcept {
  std::uint64_t microseconds = 0;
  if (::sd_watchdog_enabled(kKeepEnvironment, &microseconds) <= 0) return std::nullopt;
  return std::chrono::microseconds(microseconds);
}

void ready(const std::string& status) noexcept {
  static_cast<void>(::sd_notifyf(kKeepEnvironment, "READY=1\nSTATUS=%s", status.c_str()));
}

// The time tells systemd which of several reloads this is.
void reloading() noexcept {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  static_cast<void>(::sd_notifyf(kKeepEnvironment, "RELOADING=1\nMONOTONIC_USEC=%lld",
                                 static_cast<long long>(microseconds)));
}

void stopping() noexcept { tell("STOPPING=1"); }

void feed_watchdog() noexcept { tell("WATCHDOG=1"); }

}  // namespace sockdiag::service_manager
