// SPDX-License-Identifier: Apache-2.0
#pragma once

// Finds the known name that was meant by an unknown one. Pure function.

#include <optional>
#include <span>
#include <string_view>

namespace sockdiag {

// Returns the known name with the fewest mistakes: letters added, dropped, changed or swapped with
// the next. Allows one mistake in four letters (one in names of up to seven). Returns the first of
// several. If no name is that near, returns the only known name that begins with `word`, if `word`
// has three letters or more. Time grows with the product of the lengths: cut untrusted text first.
[[nodiscard]] std::optional<std::string_view> nearest_name(std::string_view word,
                                                           std::span<const std::string_view> known);

}  // namespace sockdiag
