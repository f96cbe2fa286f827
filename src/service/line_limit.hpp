// SPDX-License-Identifier: Apache-2.0
#pragma once

// Limits how many log lines are written in a minute: a fault that strikes with each request would
// fill the disk, and hide other lines. Warnings and errors of the same text are limited to a few,
// so that others among them are still written. All lines together have a limit, too.
//
// Safe from any thread. Allocates nothing.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>

namespace sockdiag {

class LineLimit {
 public:
  using TimePoint = std::chrono::system_clock::time_point;

  static constexpr std::chrono::minutes kPeriod{1};
  static constexpr std::size_t kMostAlike = 10;
  static constexpr std::size_t kMost = 300;
  // As many different texts are told apart. With more, the oldest is forgotten.
  static constexpr std::size_t kTexts = 64;

  // Returns whether a line may be written now. `repeats_matter`: few of the same text are.
  [[nodiscard]] bool admits(std::string_view text, bool repeats_matter, TimePoint now) noexcept;

  // Returns how many lines were not admitted since the process began.
  [[nodiscard]] std::size_t suppressed() const noexcept;

 private:
  struct Text {
    std::size_t hash = 0;
    std::size_t lines = 0;
  };

  void begin_period(TimePoint now) noexcept;
  [[nodiscard]] std::size_t count(std::string_view text) noexcept;

  mutable std::mutex mutex_;
  TimePoint began_;
  std::size_t lines_ = 0;  // in this period
  std::array<Text, kTexts> texts_{};
  std::size_t next_ = 0;  // the place of the next text that is new
  std::size_t suppressed_ = 0;
};

}  // namespace sockdiag
