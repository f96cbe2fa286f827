// SPDX-License-Identifier: Apache-2.0
#include "generated_input.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "support/exposition_text.hpp"

namespace sockdiag::test {

std::span<const std::uint8_t> GeneratedInput::take_bytes(std::size_t count) {
  const auto taken = rest_.first(std::min(count, rest_.size()));
  rest_ = rest_.subspan(taken.size());
  return taken;
}

std::string GeneratedInput::take_line() {
  const auto end = std::find(rest_.begin(), rest_.end(), std::uint8_t{'\n'});
  const auto length = static_cast<std::size_t>(end - rest_.begin());
  const auto line = take_bytes(length);
  take_bytes(1);
  return {line.begin(), line.end()};
}

std::string GeneratedInput::take_rest() {
  const auto rest = take_bytes(rest_.size());
  return {rest.begin(), rest.end()};
}

void require(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

void require_exposition(std::string_view text) {
  try {
    static_cast<void>(Exposition::parse(text));
  } catch (const std::runtime_error& error) {
    require(false, error.what());
  }
}

void be_silent() { spdlog::set_level(spdlog::level::off); }

}  // namespace sockdiag::test
