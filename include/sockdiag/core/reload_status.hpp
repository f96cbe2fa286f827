// SPDX-License-Identifier: Apache-2.0
#pragma once

// How loading the configuration goes: what the exporter says of it. Plain values.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace sockdiag {

struct ReloadStatus {
  bool successful = true;  // the last attempt
  std::chrono::system_clock::time_point last_success;
};

// What came of one attempt.
struct ReloadResult {
  std::optional<std::string> problem;  // if there is one, nothing has changed
  std::vector<std::string> restarts;   // a line for each changed key that needs a restart
};

}  // namespace sockdiag
