// SPDX-License-Identifier: Apache-2.0
#pragma once

// Reads the YAML configuration file, strictly: what it does not know, it refuses.

#include <string>
#include <string_view>

#include "sockdiag/exporter/configuration.hpp"

namespace sockdiag {

// Throws ConfigError: "FILE:LINE:COLUMN: what is wrong, what was expected" (the place is left out
// where the file cannot be read at all).
[[nodiscard]] Configuration load_configuration(const std::string& path);

// The same from text; `name` stands for the file in errors.
[[nodiscard]] Configuration parse_configuration(const std::string& text, std::string_view name);

}  // namespace sockdiag
