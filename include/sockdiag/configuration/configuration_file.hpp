// SPDX-License-Identifier: Apache-2.0
#pragma once

// Reads the YAML configuration file strictly: refuses unknown and duplicate keys and values that
// were not expected. Does not check keys against each other. Safe from any thread.

#include <string>
#include <string_view>

#include "sockdiag/configuration/loaded_configuration.hpp"

namespace sockdiag {

// Throws ConfigError "FILE:LINE:COLUMN: problem", or "FILE: problem" if the file cannot be read.
[[nodiscard]] LoadedConfiguration load_file(const std::string& path);

// Reads text as load_file() reads a file. `name` stands for the file in errors.
[[nodiscard]] LoadedConfiguration load_text(const std::string& text, std::string_view name);

}  // namespace sockdiag
