// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sockdiag/cli/command_line.hpp"

namespace sockdiag {

// Runs --config.check, --health or --once and prints the result to std::cout. Returns the exit
// status. Sets up logging to standard error. Throws ConfigError. Not thread-safe.
[[nodiscard]] int run_command(const CommandLine& command_line);

}  // namespace sockdiag
