// SPDX-License-Identifier: Apache-2.0
#include "flags.hpp"

#include <algorithm>
#include <utility>

#include "sockdiag/configuration/configuration_keys.hpp"
#include "sockdiag/configuration/nearest_name.hpp"
#include "sockdiag/core/quoted.hpp"

namespace sockdiag {
namespace {

std::string help_of(const ConfigurationKey& key) {
  const Configuration defaults;
  std::string text(key.summary);
  text.back() = ' ';
  if (key.is_list()) text += "(repeatable) ";
  return text + "[" + std::string(key.name) + ": " + key.show(defaults) + "]";
}

}  // namespace

bool Flag::is_on() const {
  if (!is_given()) return false;
  if (value() != "true" && value() != "false") fail(quoted_excerpt(value()));
  return value() == "true";
}

std::size_t Flag::choice(std::span<const std::string_view> values) const {
  if (!is_given()) return 0;
  const auto found = std::find(values.begin(), values.end(), value());
  if (found == values.end()) fail(quoted_excerpt(value()));
  return static_cast<std::size_t>(found - values.begin());
}

void Flag::fail(const std::string& got) const {
  throw UsageError(name + ": expected " + expected + ", got " + got);
}

const Flag& Flags::add_boolean(const std::string& name, const std::string& help,
                               const std::string& short_name) {
  return add({name, std::string(kTrueOrFalse)}, help, short_name);
}

void Flags::add_key(const KeyFlag& key_flag) {
  const ConfigurationKey& key = *find_configuration_key(key_flag.key);
  add({std::string(key_flag.flag), key.expected_of_one(), key.is_list() ? "ADDRESS" : "VALUE",
       key.is_list(), &key_flag},
      help_of(key));
}

const Flag& Flags::add(Flag flag, const std::string& help, const std::string& short_name) {
  const std::string names = short_name.empty() ? flag.name : short_name + "," + flag.name;
  flag.option = flag.is_boolean()
                    ? app_.add_flag(names, help)
                    : app_.add_option(names, help)->expected(1)->type_name(flag.placeholder);
  flag.option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->allow_extra_args(false);
  return flags_.emplace_back(std::move(flag));
}

const Flag* Flags::find(std::string_view name) const {
  const auto found = std::find_if(flags_.begin(), flags_.end(),
                                  [&](const Flag& flag) { return flag.name == name; });
  return found == flags_.end() ? nullptr : &*found;
}

void Flags::check_repeated() const {
  for (const Flag& flag : flags_) {
    const std::size_t count = flag.option->count();
    if (count < 2 || flag.is_list) continue;
    throw UsageError(flag.name + ": expected once, got it " + std::to_string(count) + " times");
  }
}

std::string suggestion(std::string_view word, std::span<const std::string_view> known,
                       const std::string& prefix) {
  const auto nearest = nearest_name(word, known);
  return nearest ? "; did you mean " + prefix + std::string(*nearest) + "?" : "";
}

}  // namespace sockdiag
