// SPDX-License-Identifier: Apache-2.0
#pragma once

// Every key of the configuration, in one table: file, flags, documentation and tests read it.

#include <span>
#include <string>
#include <string_view>

#include "sockdiag/configuration/configuration.hpp"

namespace sockdiag {

struct ConfigurationKey {
  std::string_view name;      // section.key, as in the file
  std::string_view expected;  // completes "expected …"
  std::string_view summary;
  bool needs_restart = false;
  // Throws ConfigError where `text` is not what was expected. On a list: adds one element.
  void (*set)(Configuration&, const std::string& text) = nullptr;
  void (*clear)(Configuration&) = nullptr;              // lists only
  std::string (*show)(const Configuration&) = nullptr;  // the value as YAML
  std::string_view one = {};  // of a list that a flag sets: completes "expected …" of one element

  [[nodiscard]] bool is_list() const noexcept { return clear != nullptr; }
  // What a flag expects, which gives one element of a list at a time.
  [[nodiscard]] std::string_view expected_of_one() const noexcept {
    return one.empty() ? expected : one;
  }
};

[[nodiscard]] std::span<const ConfigurationKey> configuration_keys() noexcept;

// Null where there is no such key.
[[nodiscard]] const ConfigurationKey* find_configuration_key(std::string_view name) noexcept;

}  // namespace sockdiag
