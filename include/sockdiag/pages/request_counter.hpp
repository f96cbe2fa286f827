// SPDX-License-Identifier: Apache-2.0
#pragma once

// Counts the answered requests by path and status code. Safe from any thread.

#include <mutex>
#include <string>
#include <string_view>

#include "sockdiag/core/request_counts.hpp"

namespace sockdiag {

class RequestCounter {
 public:
  // The telemetry path has its usual codes from the start.
  explicit RequestCounter(std::string telemetry_path);

  // Paths that are no page's are one: `other`. A request whose count finds no memory is not
  // counted.
  void count(std::string_view path, int code) noexcept;

  [[nodiscard]] RequestCounts counts() const;

 private:
  [[nodiscard]] std::string label_of(std::string_view path) const;

  const std::string telemetry_path_;
  mutable std::mutex mutex_;
  RequestCounts counts_;
};

}  // namespace sockdiag
