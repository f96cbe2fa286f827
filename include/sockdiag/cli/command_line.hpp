// SPDX-License-Identifier: Apache-2.0
#pragma once

// The flags. Those that set a key of the configuration win over the file, also after a reload.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sockdiag/configuration/configuration.hpp"
#include "sockdiag/configuration/loaded_configuration.hpp"

namespace sockdiag {

// A flag that sets a key of the configuration.
struct KeyFlag {
  std::string_view flag;
  std::string_view key;
};
[[nodiscard]] std::span<const KeyFlag> key_flags() noexcept;

struct CommandLine {
  struct Setting {
    std::string_view flag;
    std::string_view key;
    std::vector<std::string> values;
  };

  std::optional<std::string> config_file;
  bool config_check = false;
  bool once = false;
  bool once_process = true;  // with once: also what is of the exporter's own process
  bool health = false;
  std::vector<Setting> settings;
};

// All that is left to do is to print help, the version or what is wrong with a flag.
struct ExitStatus {
  int status = 0;
  std::string text;  // whole lines, for standard output where the status is 0, else standard error
};

// Prints nothing.
[[nodiscard]] std::variant<CommandLine, ExitStatus> parse_command_line(int argc,
                                                                       const char* const* argv);

// The file, where there is one, and the flags over it. Throws ConfigError.
[[nodiscard]] Configuration load_configuration(const CommandLine& command_line);

// The same, and where each value comes from.
[[nodiscard]] LoadedConfiguration load_with_origins(const CommandLine& command_line);

// Throws ConfigError, with the place, where this host could not listen on one of the addresses. It
// does not matter whether the ports are in use. Asks the resolver about names.
void check_listen_addresses(const LoadedConfiguration& loaded);

}  // namespace sockdiag
