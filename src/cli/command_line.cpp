// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/cli/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include "sockdiag/configuration/configuration_keys.hpp"
#include "sockdiag/configuration/nearest_name.hpp"
#include "sockdiag/core/quoted.hpp"
#include "sockdiag/core/version.hpp"

namespace sockdiag {
namespace {

constexpr std::array<KeyFlag, 6> kKeyFlags = {{{"--web.listen-address", "web.listen_addresses"},
                                               {"--web.telemetry-path", "web.telemetry_path"},
                                               {"--web.max-requests", "web.max_requests"},
                                               {"--web.enable-lifecycle", "web.enable_lifecycle"},
                                               {"--log.level", "log.level"},
                                               {"--log.format", "log.format"}}};

constexpr std::string_view kTrueOrFalse = "true or false";

// A flag is wrong. The text says which one, what was expected and what was given.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

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

// CLI11 finds the flag and the values given to it. Everything else is decided here.
struct Flag {
  std::string name;
  std::string expected;  // completes "expected …"
  std::string placeholder{};
  bool is_list = false;
  const KeyFlag* sets = nullptr;  // null for a flag that sets no key
  CLI::Option* option = nullptr;

  [[nodiscard]] bool is_boolean() const { return expected == kTrueOrFalse; }
  [[nodiscard]] bool is_given() const { return option->count() > 0; }
  [[noreturn]] void fail(const std::string& got) const {
    throw UsageError(name + ": expected " + expected + ", got " + got);
  }
};

class Flags {
 public:
  explicit Flags(CLI::App& app) : app_(app) {}

  const Flag& add_boolean(const std::string& name, const std::string& help,
                          const std::string& short_name = "") {
    return add({name, std::string(kTrueOrFalse)}, help, short_name);
  }

  void add_key(const KeyFlag& key_flag) {
    const ConfigurationKey& key = *find_configuration_key(key_flag.key);
    add({std::string(key_flag.flag), key.expected_of_one(), key.is_list() ? "ADDRESS" : "VALUE",
         key.is_list(), &key_flag},
        help_of(key));
  }

  const Flag& add(Flag flag, const std::string& help, const std::string& short_name = "") {
    const std::string names = short_name.empty() ? flag.name : short_name + "," + flag.name;
    flag.option = flag.is_boolean()
                      ? app_.add_flag(names, help)
                      : app_.add_option(names, help)->expected(1)->type_name(flag.placeholder);
    flag.option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->allow_extra_args(false);
    return flags_.emplace_back(std::move(flag));
  }

  [[nodiscard]] const std::deque<Flag>& all() const { return flags_; }

  // Returns null if there is no such flag.
  [[nodiscard]] const Flag* find(std::string_view name) const {
    const auto found = std::find_if(flags_.begin(), flags_.end(),
                                    [&](const Flag& flag) { return flag.name == name; });
    return found == flags_.end() ? nullptr : &*found;
  }

  // Returns a question after the known flag that is nearest, or nothing if none is near.
  [[nodiscard]] std::string suggestion(std::string_view word) const {
    const auto letters = [](std::string_view name) {
      return name.substr(std::min(name.find_first_not_of('-'), name.size()));
    };
    std::vector<std::string_view> known;
    for (const Flag& flag : flags_) known.push_back(letters(flag.name));
    const auto nearest = nearest_name(letters(word), known);
    return nearest ? "; did you mean --" + std::string(*nearest) + "?" : "";
  }

 private:
  CLI::App& app_;
  std::deque<Flag> flags_;  // a deque, because references to its elements stay valid
};

// Refuses `--flag=`: CLI11 would take the next argument for the missing value.
void check_empty_values(const Flags& flags, const std::vector<std::string_view>& arguments) {
  for (const std::string_view argument : arguments) {
    if (!argument.ends_with('=')) continue;
    const Flag* flag = flags.find(argument.substr(0, argument.size() - 1));
    if (flag != nullptr) flag->fail("nothing");
  }
}

void check_unknown(const Flags& flags, std::vector<std::string> unknown) {
  const bool behind_flags = !unknown.empty() && unknown.front() == "--";
  std::erase(unknown, "--");
  if (unknown.empty()) return;
  const std::string& first = unknown.front();
  if (behind_flags || !first.starts_with('-')) {
    throw UsageError("unexpected argument " + quoted_excerpt(first) +
                     ": everything is given by flags");
  }
  const std::string name = excerpt(first.substr(0, first.find('=')));
  throw UsageError("unknown flag " + name + flags.suggestion(name));
}

void check_repeated(const Flags& flags) {
  for (const Flag& flag : flags.all()) {
    const std::size_t count = flag.option->count();
    if (count < 2 || flag.is_list) continue;
    throw UsageError(flag.name + ": expected once, got it " + std::to_string(count) + " times");
  }
}

// Returns whether a boolean flag is given without a value or with `=true`.
bool is_on(const Flag& flag) {
  if (!flag.is_given()) return false;
  const std::string& value = flag.option->results().front();
  if (value != "true" && value != "false") flag.fail(quoted_excerpt(value));
  return value == "true";
}

void check_one_task(const CommandLine& command_line) {
  std::string given;
  for (const auto& [is_given, name] :
       {std::pair(command_line.config_check, "--config.check"),
        std::pair(command_line.health, "--health"), std::pair(command_line.once, "--once")}) {
    if (is_given) given.append(given.empty() ? "" : " and ").append(name);
  }
  if (given.find(' ') != std::string::npos) {
    throw UsageError("expected one of --config.check, --health and --once, got " + given);
  }
}

// `problem` is CLI11's text, which begins with the name of the flag.
[[noreturn]] void throw_missing_value(const Flags& flags, const std::string& problem) {
  const Flag* flag = flags.find(problem.substr(0, problem.find(':')));
  if (flag != nullptr) flag->fail("nothing");
  throw UsageError("expected a value behind the last flag, got nothing");
}

struct ProgramFlags : Flags {
  explicit ProgramFlags(CLI::App& app) : Flags(app) {
    for (const KeyFlag& flag : kKeyFlags) add_key(flag);
  }

  const Flag& version = add_boolean("--version", "Print the version and exit.");
  const Flag& help = add_boolean("--help", "Print this help and exit.", "-h");
  const Flag& config_file =
      add({"--config.file", "the path of a file", "FILE"}, "YAML configuration file.");
  const Flag& check = add_boolean("--config.check", "Check the configuration and exit.");
  const Flag& health = add_boolean(
      "--health", "Ask the exporter that runs with these settings for its health and exit.");
  const Flag& once = add_boolean("--once", "Take one sample, print the metrics and exit.");
  const Flag& once_process = add_boolean(
      "--once.process", "For --once also print what is of the exporter's own process [true].");
};

// Throws UsageError.
CommandLine command_line_of(const ProgramFlags& flags) {
  CommandLine result;
  if (flags.config_file.is_given()) {
    result.config_file = flags.config_file.option->results().front();
  }
  result.config_check = is_on(flags.check);
  result.health = is_on(flags.health);
  result.once = is_on(flags.once);
  check_one_task(result);
  if (flags.once_process.is_given()) {
    result.once_process = is_on(flags.once_process);
    if (!result.once) throw UsageError("--once.process: expected --once beside it");
  }
  for (const Flag& flag : flags.all()) {
    if (flag.sets == nullptr || !flag.is_given()) continue;
    result.settings.push_back({flag.sets->flag, flag.sets->key, flag.option->results()});
  }
  return result;
}

// Throws UsageError.
std::variant<CommandLine, ExitStatus> parse(CLI::App& app, int argc, const char* const* argv) {
  const ProgramFlags flags(app);
  check_empty_values(flags, {argv + 1, argv + std::max(argc, 1)});
  try {
    app.parse(argc, argv);
  } catch (const CLI::ArgumentMismatch& error) {
    throw_missing_value(flags, error.what());
  }
  if (is_on(flags.help)) return ExitStatus{0, app.help()};
  if (is_on(flags.version)) return ExitStatus{0, version_text() + "\n"};
  check_unknown(flags, app.remaining());
  check_repeated(flags);
  return command_line_of(flags);
}

}  // namespace

std::span<const KeyFlag> key_flags() noexcept { return kKeyFlags; }

std::variant<CommandLine, ExitStatus> parse_command_line(int argc, const char* const* argv) {
  CLI::App app{"Counts TCP sockets by state, service port and direction for Prometheus.",
               "sockdiag_exporter"};
  app.set_help_flag();  // removes CLI11's own --help
  app.allow_extras();   // check_unknown() refuses them, with a suggestion
  try {
    return parse(app, argc, argv);
  } catch (const std::runtime_error& error) {
    return ExitStatus{kExitWrongUsage, "sockdiag_exporter: " + one_line(error.what()) +
                                           " (--help lists the flags)\n"};
  }
}

}  // namespace sockdiag
