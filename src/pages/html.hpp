// SPDX-License-Identifier: Apache-2.0
#pragma once

// HTML from templates in which `{name}` stands for a value. Text is escaped as it is filled in;
// only what is markup already, by its type, is not. Pure functions; they throw std::bad_alloc.

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace sockdiag {

// Text with `<`, `>`, `&` and quotes escaped, for elements and for quoted attributes.
[[nodiscard]] std::string escaped(std::string_view text);

// Markup.
class Html {
 public:
  Html() = default;
  explicit Html(std::string markup) : markup_(std::move(markup)) {}

  Html& operator+=(const Html& other) {
    markup_ += other.markup_;
    return *this;
  }
  [[nodiscard]] const std::string& text() const noexcept { return markup_; }
  [[nodiscard]] bool empty() const noexcept { return markup_.empty(); }

 private:
  std::string markup_;
};

struct Slot {
  Slot(std::string_view slot, const Html& html) : name(slot), value(html.text()) {}
  Slot(std::string_view slot, std::string_view text) : name(slot), value(escaped(text)) {}
  Slot(std::string_view slot, const char* text) : Slot(slot, std::string_view(text)) {}
  Slot(std::string_view slot, const std::string& text) : Slot(slot, std::string_view(text)) {}
  Slot(std::string_view slot, std::integral auto number)
      : name(slot), value(std::to_string(number)) {}

  std::string_view name;
  std::string value;
};

// Fills a template. Every name in it must be among the slots.
[[nodiscard]] Html fill(std::string_view markup, std::initializer_list<Slot> slots);

}  // namespace sockdiag
