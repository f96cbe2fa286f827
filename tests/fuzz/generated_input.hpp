// SPDX-License-Identifier: Apache-2.0
#pragma once

// The bytes of one execution, taken from the front piece by piece; where they end, zeros follow.
// Targets abort where a promise is broken, so that both libFuzzer and a replay see it.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

namespace sockdiag::test {

class GeneratedInput {
 public:
  GeneratedInput(const std::uint8_t* bytes, std::size_t size) : rest_(bytes, size) {}

  [[nodiscard]] bool is_empty() const noexcept { return rest_.empty(); }

  template <typename Number>
  Number take() {
    Number number{};
    const auto bytes = take_bytes(sizeof number);
    std::memcpy(&number, bytes.data(), bytes.size());
    return number;
  }

  // Returns a number below `limit`.
  std::size_t take_below(std::size_t limit) { return take<std::uint8_t>() % limit; }
  bool take_bool() { return take<std::uint8_t>() % 2 != 0; }

  // Returns fewer at the end.
  std::span<const std::uint8_t> take_bytes(std::size_t count);

  // Returns the text up to the next line feed, which is taken, too.
  std::string take_line();
  std::string take_rest();

 private:
  std::span<const std::uint8_t> rest_;
};

// Ends the process, with the promise in its last words, if it does not hold.
void require(bool holds, const char* promise);

// Ends it if a text is no exposition that Prometheus would accept.
void require_exposition(std::string_view text);

// Stops the log, which is not what is measured.
void be_silent();

}  // namespace sockdiag::test
