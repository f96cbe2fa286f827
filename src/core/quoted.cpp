// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/core/quoted.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace sockdiag {
namespace {

// Bytes of the UTF-8 sequence that `text` starts with (RFC 3629, section 4), 0 where it is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
  const unsigned first = byte(0);
  const unsigned second = byte(1);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool overlong = first == 0xe0 && second < 0xa0;
    const bool surrogate = first == 0xed && second > 0x9f;
    return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool overlong = first == 0xf0 && second < 0x90;
    const bool too_large = first == 0xf4 && second > 0x8f;
    return continues(1) && continues(2) && continues(3) && !overlong && !too_large ? 4 : 0;
  }
  return 0;
}

std::string escaped_control(char character) {
  switch (character) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      break;
  }
  const auto code = static_cast<unsigned char>(character);
  if (code >= 0x20 && code != 0x7f) return {character};
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "\\u%04x", code);
  return text.data();
}

// `also`: characters that get a backslash before them.
std::string escaped(std::string_view text, std::string_view also) {
  std::string result;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      result += "\\ufffd";
    } else if (length > 1) {
      result += text.substr(0, length);
    } else {
      if (also.find(text[0]) != std::string_view::npos) result += '\\';
      result += escaped_control(text[0]);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return result;
}

// Bytes of the first character; one that is not UTF-8 is a single byte.
std::size_t character_length(std::string_view text) {
  return std::max<std::size_t>(utf8_length(text), 1);
}

std::size_t count_characters(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(character_length(text));
  return count;
}

std::string_view first_characters(std::string_view text, std::size_t characters) {
  std::size_t length = 0;
  for (; characters > 0 && length < text.size(); --characters) {
    length += character_length(text.substr(length));
  }
  return text.substr(0, length);
}

std::string excerpt_between(std::string_view mark, std::string_view text, std::size_t characters) {
  const std::string_view first = first_characters(text, characters);
  const bool whole = first.size() == text.size();
  std::string result(mark);
  result.append(first).append(whole ? "" : "...").append(mark);
  if (whole) return result;
  return result + " (the first " + std::to_string(characters) + " of " +
         std::to_string(count_characters(text)) + " characters)";
}

}  // namespace

std::string quoted(std::string_view text) { return '"' + escaped(text, "\"\\") + '"'; }

std::string one_line(std::string_view text) { return escaped(text, ""); }

std::string excerpt(std::string_view text, std::size_t characters) {
  return excerpt_between("", text, characters);
}

std::string quoted_excerpt(std::string_view text) { return excerpt_between("\"", text, 80); }

}  // namespace sockdiag
