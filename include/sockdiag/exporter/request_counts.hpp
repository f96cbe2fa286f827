// SPDX-License-Identifier: Apache-2.0
#pragma once

// Counts the answered requests by path and status code. Safe from any thread.

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace sockdiag {

class RequestCounts {
 public:
  using Counts = std::map<std::pair<std::string, int>, std::uint64_t>;  // by path and code

  // The telemetry path has its usual codes from the start.
  explicit RequestCounts(std::string telemetry_path);

  // Paths that are no page's are one: `other`. A request whose count finds no memory is not
  // counted.
  void count(std::string_view path, int code) noexcept;

  [[nodiscard]] Counts counts() const;

 private:
  [[nodiscard]] std::string label_of(std::string_view path) const;

  const std::string telemetry_path_;
  mutable std::mutex mutex_;
  Counts counts_;
};

}  // namespace sockdiag
