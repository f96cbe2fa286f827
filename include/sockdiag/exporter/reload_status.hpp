// SPDX-License-Identifier: Apache-2.0
#pragma once

// How loading the configuration goes: what the exporter says of it. A plain value.

#include <chrono>

namespace sockdiag {

struct ReloadStatus {
  bool successful = true;  // the last attempt
  std::chrono::system_clock::time_point last_success;
};

}  // namespace sockdiag
