// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/configuration/nearest_name.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "sockdiag/core/quoted.hpp"

namespace sockdiag {
namespace {

constexpr std::size_t kLettersPerMistake = 4;
constexpr std::size_t kLeastLettersOfBeginning = 3;

// Returns Levenshtein's distance, with a swap of two neighbours counted once (optimal string
// alignment).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before_last.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({row[j - 1] + 1, last[j] + 1, changed});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::optional<std::string_view> only_continuation(std::string_view word,
                                                  std::span<const std::string_view> known) {
  if (word.size() < kLeastLettersOfBeginning) return std::nullopt;
  const auto begins = [&](std::string_view name) { return name.starts_with(word); };
  if (std::count_if(known.begin(), known.end(), begins) != 1) return std::nullopt;
  return *std::find_if(known.begin(), known.end(), begins);
}

// Returns 0 for a word of one letter: all of it would be wrong.
std::size_t most_mistakes(std::string_view word, std::string_view name) {
  const std::size_t share = std::max(word.size(), name.size()) / kLettersPerMistake;
  return std::min(std::max<std::size_t>(share, 1), word.size() / 2);
}

}  // namespace

std::optional<std::string_view> nearest_name(std::string_view word,
                                             std::span<const std::string_view> known) {
  std::optional<std::string_view> nearest;
  std::size_t least = std::numeric_limits<std::size_t>::max();
  for (const std::string_view name : known) {
    const std::size_t distance = edit_distance(word, name);
    if (distance > most_mistakes(word, name) || distance >= least) continue;
    least = distance;
    nearest = name;
  }
  return nearest ? nearest : only_continuation(word, known);
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
  const auto nearest = nearest_name(excerpt(word), known);
  return nearest ? "; did you mean \"" + std::string(*nearest) + "\"?" : "";
}

}  // namespace sockdiag
