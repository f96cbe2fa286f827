// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which families of metrics are meant: by name, or by the beginning of their names and `*`.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace sockdiag {

using FamilyPatterns = std::vector<std::string>;

[[nodiscard]] inline bool matches_family(std::string_view pattern, std::string_view name) noexcept {
  if (!pattern.ends_with('*')) return pattern == name;
  return name.starts_with(pattern.substr(0, pattern.size() - 1));
}

[[nodiscard]] inline bool match_family(const FamilyPatterns& patterns,
                                       std::string_view name) noexcept {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return matches_family(pattern, name); });
}

}  // namespace sockdiag
