// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/exporter/command_line.hpp"

#include <CLI/CLI.hpp>
#include <array>
#include <deque>
#include <iostream>

#include "sockdiag/exporter/configuration_file.hpp"
#include "sockdiag/exporter/configuration_keys.hpp"
#include "sockdiag/exporter/log.hpp"
#include "sockdiag/exporter/version.hpp"

namespace sockdiag {
namespace {

constexpr std::array<KeyFlag, 6> kKeyFlags = {{{"--web.listen-address", "web.listen_addresses"},
                                               {"--web.telemetry-path", "web.telemetry_path"},
                                               {"--web.max-requests", "web.max_requests"},
                                               {"--web.enable-lifecycle", "web.enable_lifecycle"},
                                               {"--log.level", "log.level"},
                                               {"--log.format", "log.format"}}};

constexpr int kExitWrongUsage = 2;
// CLI11 repeats what it was given, after some words of its own.
constexpr std::size_t kMaxErrorCharacters = 120;

std::string version_text() {
  const BuildInfo build = build_info();
  std::string text = "sockdiag_exporter " + std::string(build.version);
  return text + " (revision " + std::string(build.revision) + ", " + std::string(build.compiler) +
         ")";
}

std::string help_of(const ConfigurationKey& key) {
  const Configuration defaults;
  std::string text(key.summary);
  text.back() = ' ';
  if (key.is_list()) text += "(repeatable) ";
  return text + "[" + std::string(key.name) + ": " + key.show(defaults) + "]";
}

// One flag while it is being parsed: CLI11 keeps references to where the values go.
struct ParsedFlag {
  const KeyFlag& flag;
  std::vector<std::string> values;
  bool present = false;
};

void add_key_flag(CLI::App& app, ParsedFlag& parsed) {
  const std::string flag(parsed.flag.flag);
  const ConfigurationKey& key = *find_configuration_key(parsed.flag.key);
  if (key.expected == "true or false") {
    // A value would be taken for "on", whatever it says.
    app.add_flag(flag, parsed.present, help_of(key))->disable_flag_override();
    return;
  }
  auto* option = app.add_option(flag, parsed.values, help_of(key))->expected(1);
  option->type_name(key.is_list() ? "ADDRESS" : "VALUE");
  if (key.is_list()) option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void set_key(Configuration& configuration, const CommandLine::Setting& setting) {
  const ConfigurationKey& key = *find_configuration_key(setting.key);
  if (key.is_list()) key.clear(configuration);
  for (const std::string& value : setting.values) {
    try {
      key.set(configuration, value);
    } catch (const ConfigError& error) {
      throw ConfigError(std::string(setting.flag) + ": expected " + std::string(key.expected) +
                        ", " + error.what());
    }
  }
}

}  // namespace

std::span<const KeyFlag> key_flags() noexcept { return kKeyFlags; }

std::variant<CommandLine, ExitStatus> parse_command_line(int argc, const char* const* argv) {
  CLI::App app{"Counts TCP sockets by state, service port and direction for Prometheus.",
               "sockdiag_exporter"};
  CommandLine result;
  std::string config_file;
  auto* config_option = app.add_option("--config.file", config_file, "YAML configuration file.");
  config_option->type_name("FILE");
  auto* check =
      app.add_flag("--config.check", result.config_check, "Check the configuration and exit.");
  auto* health =
      app.add_flag("--health", result.health,
                   "Ask the exporter that runs with these settings for its health and exit.");
  auto* once = app.add_flag("--once", result.once, "Take one sample, print the metrics and exit.");
  health->excludes(check)->excludes(once);
  once->excludes(check);
  app.set_version_flag("--version", version_text(), "Print the version and exit.");
  app.set_help_flag("--help", "Print this help and exit.");
  std::deque<ParsedFlag> flags;
  for (const KeyFlag& flag : kKeyFlags) add_key_flag(app, flags.emplace_back(ParsedFlag{flag, {}}));

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return ExitStatus{app.exit(success)};
  } catch (const CLI::ParseError& error) {
    std::cerr << "sockdiag_exporter: " << one_line(excerpt(error.what(), kMaxErrorCharacters))
              << " (--help lists the flags)\n";
    return ExitStatus{kExitWrongUsage};
  }

  if (config_option->count() > 0) result.config_file = config_file;
  for (ParsedFlag& parsed : flags) {
    if (parsed.present) parsed.values = {"true"};
    if (parsed.values.empty()) continue;
    result.settings.push_back({parsed.flag.flag, parsed.flag.key, std::move(parsed.values)});
  }
  return result;
}

Configuration load_configuration(const CommandLine& command_line) {
  Configuration configuration;
  if (command_line.config_file) configuration = load_configuration(*command_line.config_file);
  for (const CommandLine::Setting& setting : command_line.settings) {
    set_key(configuration, setting);
  }
  return configuration;
}

}  // namespace sockdiag
