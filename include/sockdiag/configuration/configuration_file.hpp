// SPDX-License-Identifier: Apache-2.0
#pragma once

// Reads the YAML configuration file, strictly: what it does not know, it refuses.

#include <string>
#include <string_view>

#include "sockdiag/configuration/configuration.hpp"
#include "sockdiag/configuration/configuration_keys.hpp"

namespace sockdiag {

// Throws ConfigError: "FILE:LINE:COLUMN: what is wrong, what was expected" (the place is left out
// where the file cannot be read at all). Keys may contradict each other.
[[nodiscard]] LoadedConfiguration load_file(const std::string& path);

// The configuration of a file alone: refuses contradictions, too.
[[nodiscard]] Configuration load_configuration(const std::string& path);

// The same as load_configuration() from text; `name` stands for the file in errors.
[[nodiscard]] Configuration parse_configuration(const std::string& text, std::string_view name);

}  // namespace sockdiag
