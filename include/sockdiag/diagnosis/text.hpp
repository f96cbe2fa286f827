// SPDX-License-Identifier: Apache-2.0
#pragma once

// Words in the languages that the program speaks. Plain constants.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sockdiag {

enum class Language : std::uint8_t { english, chinese };

inline constexpr auto kLanguages = std::to_array<Language>({Language::english, Language::chinese});

// The tags of BCP 47.
[[nodiscard]] constexpr std::string_view tag_of(Language language) noexcept {
  return language == Language::english ? "en" : "zh-CN";
}

// A text in both languages. Neither can be left out: an empty one does not compile.
class Text {
 public:
  consteval Text(std::string_view english, std::string_view chinese)
      : english_(english), chinese_(chinese) {
    if (english.empty() || chinese.empty()) throw "a text lacks a language";
  }

  [[nodiscard]] constexpr std::string_view in(Language language) const noexcept {
    return language == Language::english ? english_ : chinese_;
  }

 private:
  std::string_view english_;
  std::string_view chinese_;
};

// Returns the language that a tag such as "zh-CN", "zh" or "en-US" means, in any case, or that the
// name of a locale such as "zh_CN.UTF-8" means. Nothing if it means another one.
[[nodiscard]] std::optional<Language> language_of_tag(std::string_view tag) noexcept;

// Returns the preferred language of an Accept-Language header (RFC 9110, section 12.5.4), English
// where it names none of ours.
[[nodiscard]] Language accepted_language(std::string_view accept_language) noexcept;

}  // namespace sockdiag
