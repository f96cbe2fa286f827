// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the kernel says of this process (proc(5): /proc/self/stat, /proc/self/fd; getrlimit(2)), as
// Prometheus's client libraries publish it. Safe from any thread.

#include <filesystem>
#include <optional>

#include "sockdiag/core/process_stats.hpp"

namespace sockdiag {

[[nodiscard]] ProcessStats read_process_stats(const std::filesystem::path& proc = "/proc");

// Seconds since the Unix epoch. It never changes, and reading it walks /proc/stat: ask once.
[[nodiscard]] std::optional<double> read_process_start_time(
    const std::filesystem::path& proc = "/proc");

}  // namespace sockdiag
