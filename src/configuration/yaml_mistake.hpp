// SPDX-License-Identifier: Apache-2.0
#pragma once

// Finds where and why a text is not YAML. yaml-cpp often notices a mistake far behind its cause,
// and names it in words of its grammar. Pure functions.

#include <cstddef>
#include <optional>
#include <string_view>

#include "yaml_document.hpp"

namespace sockdiag {

// How far yaml-cpp came before it noticed a mistake.
struct YamlProgress {
  std::size_t last_scalar = 0;            // where the last value begins in the text
  std::optional<YamlPlace> open_bracket;  // of the innermost list or mapping that has not ended
  std::optional<YamlPlace> long_quote;    // of the last quoted value that spans lines
};

[[nodiscard]] YamlPlace place_at(std::string_view text, std::size_t offset);

// Returns npos if the quoted value that begins at `open` does not end.
[[nodiscard]] std::size_t end_of_quoted(std::string_view text, std::size_t open);

[[nodiscard]] YamlError unclosed_quote(YamlPlace open);

// Returns an error at the cause of the mistake, if that can be found, or at `noticed`. `problem` is
// what yaml-cpp calls it.
[[nodiscard]] YamlError explain_mistake(std::string_view problem, YamlPlace noticed,
                                        std::string_view text, const YamlProgress& progress);

}  // namespace sockdiag
