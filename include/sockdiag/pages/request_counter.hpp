// SPDX-License-Identifier: Apache-2.0
#pragma once

// Count the answered requests by path and status code, and connections that were refused by reason.
// Safe from any thread.

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "sockdiag/core/exporter_state.hpp"
#include "sockdiag/http/http_server.hpp"

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

class RefusedCounter {
 public:
  void count(Refused why) noexcept;

  // Returns each reason, also those that there has been none of.
  [[nodiscard]] RefusedCounts counts() const;

 private:
  std::array<std::atomic<std::uint64_t>, kRefusedReasons.size()> counts_{};
};

}  // namespace sockdiag
