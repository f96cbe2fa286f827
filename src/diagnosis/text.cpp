// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/diagnosis/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <system_error>

namespace sockdiag {
namespace {

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equals_ignoring_case(std::string_view left, std::string_view right) noexcept {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char l, char r) { return lower(l) == lower(r); });
}

std::string_view trim(std::string_view text) noexcept {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t first = std::min(text.find_first_not_of(kBlanks), text.size());
  return text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
}

// Removes the part before `mark`, and the mark, and returns the part without blanks around it.
std::string_view cut(std::string_view& text, char mark) noexcept {
  const std::string_view part = text.substr(0, text.find(mark));
  text.remove_prefix(std::min(text.size(), part.size() + 1));
  return trim(part);
}

// Returns the number of a qvalue (RFC 9110, section 12.4.2): 0 to 1 with up to three decimals.
std::optional<double> qvalue(std::string_view text) noexcept {
  constexpr std::size_t kLongest = 5;
  const bool begins_well = text.starts_with('0') || text.starts_with('1');
  if (!begins_well || text.size() > kLongest || (text.size() > 1 && text[1] != '.')) return {};
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (read.ec != std::errc{} || read.ptr != end || value > 1) return {};
  return value;
}

// One element of Accept-Language.
struct Preference {
  std::string_view range;
  double weight = 1;
};

// Returns nothing if the element is malformed.
std::optional<Preference> preference_of(std::string_view element) noexcept {
  Preference preference{cut(element, ';')};
  if (element.empty()) return preference;
  if (!equals_ignoring_case(cut(element, '='), "q")) return {};
  const std::optional<double> weight = qvalue(trim(element));
  if (!weight) return {};
  preference.weight = *weight;
  return preference;
}

// What a header says of the languages that we speak.
struct Preferences {
  std::array<std::optional<double>, kLanguages.size()> named;
  std::optional<double> any;      // "*": each that is not named
  std::optional<Language> first;  // of those that are accepted

  void add(const Preference& preference) noexcept {
    if (preference.range == "*") any = preference.weight;
    const std::optional<Language> language = language_of_tag(preference.range);
    if (!language) return;
    std::optional<double>& weight = named[static_cast<std::size_t>(*language)];
    weight = std::max(weight.value_or(0), preference.weight);
    if (!first && preference.weight > 0) first = language;
  }
  [[nodiscard]] double weight_of(Language language) const noexcept {
    return named[static_cast<std::size_t>(language)].value_or(any.value_or(0));
  }
};

}  // namespace

std::optional<Language> language_of_tag(std::string_view tag) noexcept {
  const std::string_view language = tag.substr(0, tag.find_first_of("-_.@"));
  if (equals_ignoring_case(language, "zh")) return Language::chinese;
  if (equals_ignoring_case(language, "en")) return Language::english;
  return std::nullopt;
}

Language accepted_language(std::string_view accept_language) noexcept {
  Preferences preferences;
  while (!accept_language.empty()) {
    const auto preference = preference_of(cut(accept_language, ','));
    if (preference) preferences.add(*preference);
  }
  const double english = preferences.weight_of(Language::english);
  const double chinese = preferences.weight_of(Language::chinese);
  if (english == chinese) return preferences.first.value_or(Language::english);
  return chinese > english ? Language::chinese : Language::english;
}

}  // namespace sockdiag
