// SPDX-License-Identifier: Apache-2.0
#pragma once

// The configuration of the file and the flags together. Safe from any thread.

#include "sockdiag/cli/command_line.hpp"
#include "sockdiag/configuration/loaded_configuration.hpp"

namespace sockdiag {

// Reads the file, if one is given, and sets the keys of the flags over it. Throws ConfigError.
[[nodiscard]] LoadedConfiguration load_with_origins(const CommandLine& command_line);
[[nodiscard]] Configuration load_configuration(const CommandLine& command_line);

// Throws ConfigError, with the place, if this host could not listen on one of the addresses. Ports
// may be in use. Asks the resolver for the addresses of names.
void check_listen_addresses(const LoadedConfiguration& loaded);

}  // namespace sockdiag
