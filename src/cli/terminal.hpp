// SPDX-License-Identifier: Apache-2.0
#pragma once

// Text for terminals: how wide it is, where it may be broken, and what must never be written to
// one. All text is UTF-8. Widths are in columns of a terminal; a Chinese character takes two. Pure
// functions except where said.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sockdiag/cli/command_line.hpp"
#include "sockdiag/diagnosis/text.hpp"

namespace sockdiag {

struct Style {
  Language language = Language::english;
  bool color = false;
  std::size_t columns = 80;
};

// Returns the style of standard output: the width of the terminal from 40 to 100, or 80. Reads the
// environment.
[[nodiscard]] Style style_of(const ReportOptions& options);

// Returns the language asked for, or the one of the environment.
[[nodiscard]] Language language_of(const ReportOptions& options);

// Returns the text with U+FFFD in place of what is not UTF-8, of control characters and of
// invisible ones that reorder what follows (Unicode categories Cc, Cf, Zl, Zp); tabs and ends of
// lines become spaces.
[[nodiscard]] std::string printable(std::string_view text);

[[nodiscard]] std::size_t width_of(std::string_view text);

// Append spaces behind or before the text; return a longer text as it is.
[[nodiscard]] std::string padded(std::string_view text, std::size_t columns);
[[nodiscard]] std::string right_aligned(std::string_view text, std::size_t columns);

// Returns the lines of a paragraph, broken as Unicode Standard Annex 14 allows. A line is longer
// than `columns` only if there is no place to break it.
[[nodiscard]] std::vector<std::string> wrapped(std::string_view text, std::size_t columns);

// Returns the lines of a command for a shell, broken at spaces outside of quotation marks with a
// backslash, so that all of them can be pasted together.
[[nodiscard]] std::vector<std::string> wrapped_command(std::string_view command,
                                                       std::size_t columns);

enum class Ink : std::uint8_t { bold, faint, red, yellow, cyan };

// Returns the text as it is if the style has no colour.
[[nodiscard]] std::string inked(std::string_view text, Ink ink, const Style& style);

}  // namespace sockdiag
