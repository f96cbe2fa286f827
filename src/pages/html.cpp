// SPDX-License-Identifier: Apache-2.0
#include "html.hpp"

#include <algorithm>
#include <cassert>

namespace sockdiag {
namespace {

std::string_view entity_of(char c) {
  switch (c) {
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '&':
      return "&amp;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return {};
  }
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    const std::string_view entity = entity_of(c);
    if (entity.empty()) {
      result += c;
    } else {
      result += entity;
    }
  }
  return result;
}

Html fill(std::string_view markup, std::initializer_list<Slot> slots) {
  std::string filled;
  while (true) {
    const auto begin = markup.find('{');
    filled += markup.substr(0, begin);
    if (begin == std::string_view::npos) return Html(std::move(filled));
    const auto end = markup.find('}', begin);
    assert(end != std::string_view::npos);
    const auto slot =
        std::ranges::find(slots, markup.substr(begin + 1, end - begin - 1), &Slot::name);
    assert(slot != slots.end());
    filled += slot->value;
    markup.remove_prefix(end + 1);
  }
}

}  // namespace sockdiag
