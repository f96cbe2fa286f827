// SPDX-License-Identifier: Apache-2.0
#pragma once

// Counts refused connections for the log: one line a minute for each reason, however many come.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "sockdiag/http/http_server.hpp"

namespace sockdiag {

class RefusedLines {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Returns how many connections a line about them has to name, or nothing if none is due.
  [[nodiscard]] std::optional<std::uint64_t> count(Refused why, TimePoint now) noexcept {
    Reason& reason = reasons_.at(static_cast<std::size_t>(why));
    ++reason.unsaid;
    if (reason.next && now < *reason.next) return std::nullopt;
    reason.next = now + std::chrono::minutes(1);
    const std::uint64_t unsaid = reason.unsaid;
    reason.unsaid = 0;
    return unsaid;
  }

 private:
  struct Reason {
    std::uint64_t unsaid = 0;
    std::optional<TimePoint> next{};
  };
  std::array<Reason, kRefusedReasons.size()> reasons_{};
};

}  // namespace sockdiag
