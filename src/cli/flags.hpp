// SPDX-License-Identifier: Apache-2.0
#pragma once

// The flags of the program or of a subcommand. CLI11 finds the flags and the values given to them.
// Everything else is decided here. Not thread-safe.

#include <CLI/CLI.hpp>
#include <deque>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "sockdiag/cli/command_line.hpp"

namespace sockdiag {

inline constexpr std::string_view kTrueOrFalse = "true or false";

// A flag is wrong. The text says which one, what was expected and what was given.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Flag {
  std::string name;
  std::string expected;  // completes "expected …"
  std::string placeholder{};
  bool is_list = false;
  const KeyFlag* sets = nullptr;  // null for a flag that sets no key
  CLI::Option* option = nullptr;

  [[nodiscard]] bool is_boolean() const { return expected == kTrueOrFalse; }
  [[nodiscard]] bool is_given() const { return option->count() > 0; }
  [[nodiscard]] const std::string& value() const { return option->results().front(); }

  // Returns whether a boolean flag is given without a value or with `=true`. Throws UsageError.
  [[nodiscard]] bool is_on() const;

  // Returns the index in `values` of the value, 0 if the flag is not given. Throws UsageError.
  [[nodiscard]] std::size_t choice(std::span<const std::string_view> values) const;

  // Throws UsageError.
  [[noreturn]] void fail(const std::string& got) const;
};

class Flags {
 public:
  explicit Flags(CLI::App& app) : app_(app) {}

  const Flag& add_boolean(const std::string& name, const std::string& help,
                          const std::string& short_name = "");
  void add_key(const KeyFlag& key_flag);
  const Flag& add(Flag flag, const std::string& help, const std::string& short_name = "");

  [[nodiscard]] CLI::App& app() const noexcept { return app_; }
  [[nodiscard]] const std::deque<Flag>& all() const noexcept { return flags_; }

  // Returns null if there is no such flag.
  [[nodiscard]] const Flag* find(std::string_view name) const;

  // Throws UsageError if a flag that is no list is given twice.
  void check_repeated() const;

 private:
  CLI::App& app_;
  std::deque<Flag> flags_;  // a deque, because references to its elements stay valid
};

// Returns a question after the known word that is nearest, or nothing if none is near.
[[nodiscard]] std::string suggestion(std::string_view word, std::span<const std::string_view> known,
                                     const std::string& prefix = "");

}  // namespace sockdiag
