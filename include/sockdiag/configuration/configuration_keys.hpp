// SPDX-License-Identifier: Apache-2.0
#pragma once

// Every key of the configuration, in one table: file, flags, documentation and tests read it.

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

// What is wrong between keys: each may be right by itself.
struct Contradiction {
  std::string_view key;
  std::string problem;
  std::string_view other_key;  // what it contradicts; empty where that is no key
};
[[nodiscard]] std::optional<Contradiction> find_contradiction(const Configuration& configuration);

// Where the values of keys come from: "FILE:LINE:COLUMN", or a flag.
class Origins {
 public:
  // A list has further places: those of its elements, in their order.
  void set(std::string_view key, std::string place) { places_[key] = {std::move(place)}; }
  void add_element(std::string_view key, std::string place) {
    places_[key].push_back(std::move(place));
  }

  // Nothing for a default.
  [[nodiscard]] std::optional<std::string> of(std::string_view key) const { return find(key, 0); }
  [[nodiscard]] std::optional<std::string> of_element(std::string_view key,
                                                      std::size_t index) const {
    return find(key, index + 1);
  }

 private:
  [[nodiscard]] std::optional<std::string> find(std::string_view key, std::size_t index) const {
    const auto found = places_.find(key);
    if (found == places_.end() || found->second.size() <= index) return std::nullopt;
    return found->second[index];
  }

  std::map<std::string_view, std::vector<std::string>> places_;
};

struct LoadedConfiguration {
  Configuration configuration{};
  Origins origins{};
};

// Throws ConfigError, with the places of what contradicts each other.
void check_contradictions(const LoadedConfiguration& loaded);

// Throws ConfigError, with the place, if a pattern of metrics.exclude matches none of the `known`
// names of families. Suggests the known name that is nearest to it, if one is near.
void check_families(const LoadedConfiguration& loaded, std::span<const std::string_view> known);

}  // namespace sockdiag
