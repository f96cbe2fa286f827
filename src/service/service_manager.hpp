// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the service manager that started this process is told: systemd, or whoever else sets
// NOTIFY_SOCKET (protocol: sd_notify(3)). Without one nothing happens; a message that it does not
// take at once is not sent, for nothing may wait for it. Safe from any thread.

#include <chrono>
#include <optional>
#include <string_view>

namespace sockdiag::service_manager {

// The time within which it expects to be fed (WATCHDOG_USEC), an hour at most; nothing where no
// watchdog watches this process.
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_period() noexcept;

// Started, or done with a reload; `status` is for people, 1 KiB of it is told. Whether it was
// taken, or nobody is to be told: else it has to be said again, since others wait for it.
[[nodiscard]] bool ready(std::string_view status) noexcept;
void reloading() noexcept;
void stopping() noexcept;
void feed_watchdog() noexcept;

}  // namespace sockdiag::service_manager
