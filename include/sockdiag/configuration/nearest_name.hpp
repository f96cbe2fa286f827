// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which of the known names somebody meant who wrote an unknown one.

#include <optional>
#include <span>
#include <string_view>

namespace sockdiag {

// Returns the known name that takes the fewest letters to add, drop, change or swap with the next,
// if that is at most one letter in four (one letter in names of up to seven); the first of several.
// Where none is that near, returns the only known name that begins with `word`, if `word` has three
// letters or more. Takes time in proportion to the product of the lengths: cut what others wrote.
[[nodiscard]] std::optional<std::string_view> nearest_name(std::string_view word,
                                                           std::span<const std::string_view> known);

}  // namespace sockdiag
