// SPDX-License-Identifier: Apache-2.0
#pragma once

// Every key of the configuration, in one table that file, flags, documentation and tests read.
// Safe from any thread.

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "sockdiag/configuration/configuration.hpp"

namespace sockdiag {

// How the text of a key becomes its value in a Configuration, and back.
struct KeyValue {
  std::string expected;  // completes "expected …"
  // Throws ConfigError, with the text "got …", if the text is not what was expected. Adds one
  // element to a list.
  std::function<void(Configuration&, const std::string& text)> set;
  std::function<std::string(const Configuration&)> show;  // as YAML
  std::function<void(Configuration&)> clear{};            // lists and maps only
  // Maps only, and instead of `set`: adds an entry. Throws ConfigError as `set` does if the key is
  // wrong; what it returns sets the entry's value and throws if that is wrong.
  using SetEntry = std::function<void(const std::string& text)>;
  std::function<SetEntry(Configuration&, const std::string& key)> add_entry{};
  std::string one{};  // completes "expected …" of one element, for a list that a flag sets

  [[nodiscard]] bool is_list() const noexcept { return clear != nullptr && !is_map(); }
  [[nodiscard]] bool is_map() const noexcept { return add_entry != nullptr; }
  // A flag gives one element of a list at a time.
  [[nodiscard]] const std::string& expected_of_one() const noexcept {
    return one.empty() ? expected : one;
  }
};

struct ConfigurationKey : KeyValue {
  std::string_view name;  // section.key, as in the file
  std::string_view summary;
  bool needs_restart = false;
};

[[nodiscard]] std::span<const ConfigurationKey> configuration_keys() noexcept;

// Returns null if there is no such key.
[[nodiscard]] const ConfigurationKey* find_configuration_key(std::string_view name) noexcept;

}  // namespace sockdiag
