// SPDX-License-Identifier: Apache-2.0
#pragma once

// The number of a sample in what is remembered of each socket or port: 1 to 255, again and again.
// So many samples can be lost in a row that a number returns before its notes are gone.

#include <cstdint>

namespace sockdiag {

class Round {
 public:
  // Begins a sample. Returns true if the numbers start again: set the number of each note to 0
  // then, which stands for none of the last 255 samples.
  [[nodiscard]] bool begin() noexcept {
    if (++number_ != 0) return false;
    number_ = 1;
    return true;
  }
  [[nodiscard]] std::uint8_t number() const noexcept { return number_; }

 private:
  std::uint8_t number_ = 0;
};

}  // namespace sockdiag
