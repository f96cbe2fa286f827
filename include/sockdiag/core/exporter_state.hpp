// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the exporter says of itself: its configuration, its process and its answers. Plain values.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sockdiag {

// How loading the configuration goes.
struct ReloadStatus {
  bool successful = true;  // the last attempt
  std::chrono::system_clock::time_point last_success;
};

// What came of one attempt.
struct ReloadResult {
  std::optional<std::string> problem;  // if there is one, nothing has changed
  std::vector<std::string> restarts;   // a line for each changed key that needs a restart
};

// A key of the configuration.
struct Setting {
  std::string key;
  std::string value;  // in force, as YAML
  bool is_default = true;
};

// What the kernel says of this process (proc(5)). A field that cannot be read is absent, never
// zero.
struct ProcessStats {
  std::optional<double> cpu_seconds;  // user and system
  std::optional<std::uint64_t> virtual_memory_bytes;
  std::optional<std::uint64_t> virtual_memory_max_bytes;  // absent where there is no limit
  std::optional<std::uint64_t> resident_memory_bytes;
  std::optional<std::uint64_t> threads;
  std::optional<std::uint64_t> open_fds;
  std::optional<std::uint64_t> max_fds;
};

// How many requests have been answered, by path and code.
using RequestCounts = std::map<std::pair<std::string, int>, std::uint64_t>;

// How many connections have been closed without a request, by reason.
using RefusedCounts = std::map<std::string_view, std::uint64_t>;

struct ExporterState {
  ReloadStatus reload;
  ProcessStats process;
  std::optional<double> process_start_time_seconds;
  RequestCounts requests{};
  RefusedCounts refused{};
};

}  // namespace sockdiag
