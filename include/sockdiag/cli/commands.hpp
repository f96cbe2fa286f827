// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sockdiag/cli/command_line.hpp"
#include "sockdiag/configuration/configuration.hpp"

namespace sockdiag {

// Reads the file, if one is given, and sets the keys of the flags over it. Throws ConfigError. Safe
// from any thread.
[[nodiscard]] Configuration load_configuration(const CommandLine& command_line);

// Runs --config.check, --health or --once and prints the result to std::cout. Returns the exit
// status. Sets up logging to standard error. Throws ConfigError. Not thread-safe.
[[nodiscard]] int run_command(const CommandLine& command_line);

}  // namespace sockdiag
