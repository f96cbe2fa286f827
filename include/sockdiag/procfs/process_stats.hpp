// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the kernel says of this process (proc(5): /proc/self/stat, /proc/self/fd; getrlimit(2)), as
// Prometheus's client libraries publish it. Safe from any thread.

#include <cstdint>
#include <filesystem>
#include <optional>

namespace sockdiag {

// A field that cannot be read is absent, never zero.
struct ProcessStats {
  std::optional<double> cpu_seconds;  // user and system
  std::optional<std::uint64_t> virtual_memory_bytes;
  std::optional<std::uint64_t> virtual_memory_max_bytes;  // absent where there is no limit
  std::optional<std::uint64_t> resident_memory_bytes;
  std::optional<std::uint64_t> threads;
  std::optional<std::uint64_t> open_fds;
  std::optional<std::uint64_t> max_fds;
};

[[nodiscard]] ProcessStats read_process_stats(const std::filesystem::path& proc = "/proc");

// Seconds since the Unix epoch. It never changes, and reading it walks /proc/stat: ask once.
[[nodiscard]] std::optional<double> read_process_start_time(
    const std::filesystem::path& proc = "/proc");

}  // namespace sockdiag
