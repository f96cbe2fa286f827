// SPDX-License-Identifier: Apache-2.0
#pragma once

// A configuration with the places of its values: how the YAML file becomes one, and the checks that
// need more than one value. All functions are safe from any thread.

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

// Where the values of keys come from: "FILE:LINE:COLUMN" or a flag. The names of keys have to
// outlive the object.
class Origins {
 public:
  void set(std::string_view key, std::string place) { places_[key] = {std::move(place)}; }
  // Call it for each element of a list, in order, after set().
  void add_element(std::string_view key, std::string place) {
    places_[key].push_back(std::move(place));
  }

  // Returns nothing if the value is the default.
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

// Reads the file strictly: refuses unknown and duplicate keys and values that were not expected.
// Does not check keys against each other. Throws ConfigError "FILE:LINE:COLUMN: problem", or
// "FILE: problem" if the file cannot be read.
[[nodiscard]] LoadedConfiguration load_file(const std::string& path);

// Reads text as load_file() reads a file. `name` stands for the file in errors.
[[nodiscard]] LoadedConfiguration load_text(const std::string& text, std::string_view name);

// Throws ConfigError, with both places, if the values of two keys contradict each other.
void check_contradictions(const LoadedConfiguration& loaded);

// Throws ConfigError, with the place, if a pattern of metrics.exclude matches none of the `known`
// names of families. Suggests the known name that is nearest to it, if one is near.
void check_families(const LoadedConfiguration& loaded, std::span<const std::string_view> known);

}  // namespace sockdiag
