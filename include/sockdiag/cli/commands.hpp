// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sockdiag/cli/command_line.hpp"
#include "sockdiag/configuration/configuration.hpp"

namespace sockdiag {

// Reads the file, if one is given, and sets the keys of the flags over it. Throws ConfigError. Safe
// from any thread.
[[nodiscard]] Configuration load_configuration(const CommandLine& command_line);

// Runs a subcommand, --config.check, --health or --once and prints the result to std::cout. Returns
// the exit status; a subcommand that cannot do what was asked says why on std::cerr and returns
// kExitWrongUsage. Sets up logging to standard error, without log lines of a subcommand. Throws
// ConfigError. Not thread-safe.
[[nodiscard]] int run_command(const CommandLine& command_line);

}  // namespace sockdiag
