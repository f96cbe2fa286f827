// SPDX-License-Identifier: Apache-2.0
#pragma once

// Text of others, made fit for a line of a log or of a terminal. Pure functions.

#include <cstddef>
#include <string>
#include <string_view>

namespace sockdiag {

// A JSON string (RFC 8259, section 7), quotes included; bytes that are not UTF-8 become U+FFFD.
// logfmt reads the same form.
[[nodiscard]] std::string quoted(std::string_view text);

// For people: control characters and bytes that are not UTF-8 escaped in the same way, quotes left.
[[nodiscard]] std::string one_line(std::string_view text);

// The text as it is, or its first characters and how many of how many they are: what others wrote
// may be of any length. A byte that is not UTF-8 is a character.
[[nodiscard]] std::string excerpt(std::string_view text, std::size_t characters = 80);

// The same in quotation marks; nothing is escaped.
[[nodiscard]] std::string quoted_excerpt(std::string_view text);

}  // namespace sockdiag
