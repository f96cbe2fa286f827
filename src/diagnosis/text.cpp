// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/diagnosis/text.hpp"

namespace sockdiag {

std::optional<Language> language_of_tag(std::string_view tag) noexcept {
  if (tag.starts_with("zh")) return Language::chinese;
  if (tag.starts_with("en")) return Language::english;
  return std::nullopt;
}

Language accepted_language(std::string_view accept_language) noexcept {
  return language_of_tag(accept_language).value_or(Language::english);
}

}  // namespace sockdiag
