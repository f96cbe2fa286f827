// SPDX-License-Identifier: Apache-2.0
#pragma once

// Messages to the service manager that started this process: systemd, or whatever sets
// NOTIFY_SOCKET (protocol: sd_notify(3)). Without one nothing is sent. Safe from any thread.

#include <chrono>
#include <optional>
#include <string_view>

namespace sockdiag::service_manager {

// Returns how often the manager must be fed at least (WATCHDOG_USEC), an hour at most. Empty if no
// watchdog watches this process.
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_period() noexcept;

// Tells that the process has started or reloaded, and sends the first KiB of `status`, a text for
// people. Waits up to a second while the manager's socket is full, since units ordered after this
// one wait for READY. Returns false if the message was not sent.
[[nodiscard]] bool ready(std::string_view status) noexcept;

// These never wait. Messages that the manager's socket has no room for are lost.
void reloading() noexcept;
void stopping() noexcept;
void feed_watchdog() noexcept;

}  // namespace sockdiag::service_manager
