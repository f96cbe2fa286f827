// SPDX-License-Identifier: Apache-2.0
#pragma once

// Reads what Prometheus's client libraries publish of their process (proc(5): /proc/self/stat,
// /proc/self/fd; getrlimit(2)). Safe from any thread.

#include <filesystem>
#include <optional>

#include "sockdiag/core/exporter_state.hpp"

namespace sockdiag {

// Leaves out what cannot be read.
[[nodiscard]] ProcessStats read_process_stats(const std::filesystem::path& proc = "/proc");

// Returns seconds since the Unix epoch, or nothing if they cannot be read. Call it once: it reads
// all of /proc/stat.
[[nodiscard]] std::optional<double> read_process_start_time(
    const std::filesystem::path& proc = "/proc");

}  // namespace sockdiag
