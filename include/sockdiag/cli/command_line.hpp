// SPDX-License-Identifier: Apache-2.0
#pragma once

// Reads the subcommand and the flags. Flags that set a key of the configuration win over the file,
// also after a reload.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sockdiag/diagnosis/text.hpp"

namespace sockdiag {

constexpr int kExitFailed = 1;
constexpr int kExitWrongUsage = 2;  // of flags or of the configuration; what cannot be shown, too

// A flag that sets a key of the configuration.
struct KeyFlag {
  std::string_view flag;
  std::string_view key;
};
[[nodiscard]] std::span<const KeyFlag> key_flags() noexcept;

enum class Subcommand : std::uint8_t { none, diagnose, explain, top };
enum class ColorChoice : std::uint8_t { automatic, always, never };

// What the flags of the subcommands say.
struct ReportOptions {
  std::chrono::milliseconds watch_for = std::chrono::seconds(10);
  std::optional<std::string> url{};  // of the exporter to ask, as it was given
  // The network namespace to look into. At most one of these and the URL is given.
  std::optional<std::int32_t> pid{};     // of a process in it
  std::optional<std::string> netns{};    // its name below /run/netns, or a path
  std::optional<std::string> subject{};  // what to explain
  bool json = false;
  ColorChoice color = ColorChoice::automatic;
  std::optional<Language> language{};  // nothing: that of the environment
};

struct CommandLine {
  struct Setting {
    std::string_view flag;
    std::string_view key;
    std::vector<std::string> values;
  };

  std::optional<std::string> config_file;
  bool config_check = false;
  bool once = false;
  bool once_process = true;  // with once: also the families of the exporter's own process
  bool health = false;
  Subcommand subcommand = Subcommand::none;
  ReportOptions report;
  std::vector<Setting> settings;

  // Returns whether it asks for a command that ends, not for a server.
  [[nodiscard]] bool is_command() const noexcept {
    return config_check || once || health || subcommand != Subcommand::none;
  }

  // Of a subcommand, kExitFailed means that there are findings.
  [[nodiscard]] int exit_status_of_failure() const noexcept {
    return subcommand != Subcommand::none ? kExitWrongUsage : kExitFailed;
  }
};

// The help, the version or what is wrong with a flag: nothing is left to do but to print it.
struct ExitStatus {
  int status = 0;
  std::string text;  // whole lines, for standard output if the status is 0, else standard error
};

// Neither prints nor throws ConfigError: values of keys are checked by load_configuration().
[[nodiscard]] std::variant<CommandLine, ExitStatus> parse_command_line(int argc,
                                                                       const char* const* argv);

}  // namespace sockdiag
