// SPDX-License-Identifier: Apache-2.0
#pragma once

// Counts the answered requests by path and status code. Safe from any thread.

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "sockdiag/core/exporter_state.hpp"

namespace sockdiag {

class RequestCounter {
 public:
  // `paths` are those of the pages, the telemetry path first. The telemetry path has its usual
  // codes from the start.
  explicit RequestCounter(std::vector<std::string> paths);

  // Counts a path without a page as `other`. Does not count a request if there is no memory for it.
  void count(std::string_view path, int code) noexcept;

  [[nodiscard]] RequestCounts counts() const;

 private:
  [[nodiscard]] std::string label_of(std::string_view path) const;

  const std::vector<std::string> paths_;
  mutable std::mutex mutex_;
  RequestCounts counts_;
};

}  // namespace sockdiag
