// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the service manager that started this process is told: systemd, or whoever else sets
// NOTIFY_SOCKET (sd_notify(3)). Without one nothing happens; a message that cannot be sent is lost.
// Safe from any thread.

#include <chrono>
#include <optional>
#include <string>

namespace sockdiag::service_manager {

// The time within which it expects to be fed (WATCHDOG_USEC); nothing where no watchdog watches.
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_period() noexcept;

// Started, or done with a reload. `status` is one line for people.
void ready(const std::string& status) noexcept;
void reloading() noexcept;
void stopping() noexcept;
void feed_watchdog() noexcept;

}  // namespace sockdiag::service_manager
