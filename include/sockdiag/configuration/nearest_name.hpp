// SPDX-License-Identifier: Apache-2.0
#pragma once

// Finds the known name that was meant by an unknown one. Pure function.

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sockdiag {

// Returns the known name with the fewest mistakes: letters added, dropped, changed or swapped with
// the next. Allows one mistake in four letters (one in names of up to seven). Returns the first of
// several. If no name is that near, returns the only known name that begins with `word`, if `word`
// has three letters or more. Time grows with the product of the lengths: cut untrusted text first.
[[nodiscard]] std::optional<std::string_view> nearest_name(std::string_view word,
                                                           std::span<const std::string_view> known);

// Returns the end of an error about `word`: `; did you mean "NAME"?`, or nothing if no known name
// is near. Looks at the first 80 characters of `word` only, so that any text may be given.
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       std::span<const std::string_view> known);

}  // namespace sockdiag
