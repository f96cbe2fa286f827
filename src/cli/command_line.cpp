// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/cli/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <deque>
#include <utility>

#include "flags.hpp"
#include "sockdiag/configuration/duration.hpp"
#include "sockdiag/core/quoted.hpp"
#include "sockdiag/core/version.hpp"

namespace sockdiag {
namespace {

constexpr std::array<KeyFlag, 12> kKeyFlags = {{{"--web.listen-address", "web.listen_addresses"},
                                                {"--web.telemetry-path", "web.telemetry_path"},
                                                {"--web.max-requests", "web.max_requests"},
                                                {"--web.enable-lifecycle", "web.enable_lifecycle"},
                                                {"--web.config.file", "web.config_file"},
                                                {"--owners.enabled", "owners.enabled"},
                                                {"--namespaces.collect", "namespaces.collect"},
                                                {"--path.procfs", "path.procfs"},
                                                {"--path.cgroup", "path.cgroup"},
                                                {"--path.container-logs", "path.container_logs"},
                                                {"--log.level", "log.level"},
                                                {"--log.format", "log.format"}}};

std::string version_text() {
  const BuildInfo build = build_info();
  std::string text = "sockdiag_exporter " + std::string(build.version);
  return text + " (revision " + std::string(build.revision) + ", " + std::string(build.compiler) +
         ")";
}

// Lists of values begin with the one that holds if the flag is not given.
constexpr auto kFormats = std::to_array<std::string_view>({"text", "json"});
constexpr auto kColors = std::to_array<std::string_view>({"auto", "always", "never"});
constexpr std::chrono::hours kLongestWatch(24);
constexpr std::int32_t kLargestPid = 1 << 22;  // PID_MAX_LIMIT of the kernel

struct SubcommandRow {
  Subcommand id;
  std::string_view name;
  std::string_view summary;
  std::string_view example;
};
constexpr auto kSubcommands = std::to_array<SubcommandRow>({
    {Subcommand::diagnose, "diagnose", "Find what is wrong with the connections of this host.",
     "sockdiag_exporter diagnose --for 1m"},
    {Subcommand::explain, "explain", "Explain a TCP state or a finding.",
     "sockdiag_exporter explain CLOSE_WAIT"},
    {Subcommand::top, "top", "Show ports and the states of their sockets, live.",
     "sockdiag_exporter top --url http://web-1:10293"},
});

std::vector<std::string_view> subcommand_names() {
  std::vector<std::string_view> names;
  names.reserve(kSubcommands.size());
  for (const SubcommandRow& row : kSubcommands) names.push_back(row.name);
  return names;
}

// Throws UsageError.
std::int32_t pid_of(const Flag& flag) {
  const std::string& text = flag.value();
  std::int32_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  if (!whole || pid < 1 || pid > kLargestPid) flag.fail(quoted_excerpt(text));
  return pid;
}

// A flag that the subcommand does not have is null.
struct SubcommandFlags : Flags {
  SubcommandFlags(CLI::App& program, const SubcommandRow& row)
      : Flags(*program.add_subcommand(std::string(row.name), help_of(row))), id(row.id) {
    app().set_help_flag();
    app().fallthrough();  // the program's flags may stand behind the subcommand
    app().group("Commands");
    app().footer("Flags of the configuration hold here, too: sockdiag_exporter --help lists them.");
    if (id == Subcommand::explain) {
      subject = app().add_option("SUBJECT", "A state or a finding; without it all are listed.");
    }
    if (id == Subcommand::diagnose) add_duration();
    if (id != Subcommand::explain) add_place();
    if (id != Subcommand::top) add_format();
    color = &add({"--color", "one of auto, always, never", "WHEN"},
                 "Whether to use colours; auto: on a terminal, without NO_COLOR [auto].");
    lang = &add({"--lang", "one of en, zh-CN", "LANGUAGE"},
                "Language: en or zh-CN [that of the environment].");
  }

  Subcommand id;
  CLI::Option* subject = nullptr;
  const Flag* watch_for = nullptr;
  const Flag* url = nullptr;
  const Flag* pid = nullptr;
  const Flag* netns = nullptr;
  const Flag* format = nullptr;
  const Flag* color = nullptr;
  const Flag* lang = nullptr;

  [[nodiscard]] bool is_given() const { return app().parsed(); }
  // Throws UsageError.
  [[nodiscard]] ReportOptions options() const;

 private:
  static std::string help_of(const SubcommandRow& row) {
    return std::string(row.summary).append("\n  ").append(row.example);
  }
  void add_duration() {
    watch_for = &add({"--for", "a duration from 0s to 1d, such as 10s", "DURATION"},
                     "How long to watch; 0s takes one sample [10s].");
  }
  void add_place() {
    url = &add({"--url", "the address of an exporter, such as http://localhost:10293", "URL"},
               "Ask the exporter that runs there, whose memory is longer.");
    pid = &add({"--pid", "the number of a process, such as 4242", "PID"},
               "Look into the network namespace of that process, as root.");
    netns = &add({"--netns", "the name of a network namespace or a path", "NAME"},
                 "Look into that network namespace of /run/netns, or at that path, as root.");
  }
  void set_place(ReportOptions& options) const;
  void add_format() {
    format =
        &add({"--format", "one of text, json", "FORMAT"}, "How to print: text or json [text].");
  }
};

// Throws UsageError if more than one place is given.
void SubcommandFlags::set_place(ReportOptions& options) const {
  const Flag* first = nullptr;
  for (const Flag* flag : {url, pid, netns}) {
    if (flag == nullptr || !flag->is_given()) continue;
    if (first != nullptr) flag->fail(first->name + " beside it");
    first = flag;
  }
  if (first == nullptr) return;
  if (first == url) options.url = url->value();
  if (first == pid) options.pid = pid_of(*pid);
  if (first == netns) options.netns = netns->value();
}

ReportOptions SubcommandFlags::options() const {
  ReportOptions options;
  if (watch_for != nullptr && watch_for->is_given()) {
    const auto duration = parse_duration(watch_for->value());
    if (!duration || *duration > kLongestWatch) watch_for->fail(quoted_excerpt(watch_for->value()));
    options.watch_for = *duration;
  }
  set_place(options);
  if (options.url && watch_for != nullptr && watch_for->is_given()) {
    watch_for->fail("--url beside it");
  }
  if (subject != nullptr && subject->count() > 0) options.subject = subject->as<std::string>();
  options.json = format != nullptr && format->choice(kFormats) == 1;
  options.color = static_cast<ColorChoice>(color->choice(kColors));
  if (lang->is_given()) {
    options.language = language_of_tag(lang->value());
    if (!options.language) lang->fail(quoted_excerpt(lang->value()));
  }
  return options;
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

struct ProgramFlags : Flags {
  explicit ProgramFlags(CLI::App& app) : Flags(app) {
    for (const KeyFlag& flag : kKeyFlags) add_key(flag);
    for (const SubcommandRow& row : kSubcommands) subcommands.emplace_back(app, row);
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
  std::deque<SubcommandFlags> subcommands;

  // Returns null if no subcommand is given.
  [[nodiscard]] const SubcommandFlags* given() const {
    const auto found = std::find_if(subcommands.begin(), subcommands.end(),
                                    [](const SubcommandFlags& each) { return each.is_given(); });
    return found == subcommands.end() ? nullptr : &*found;
  }

  // Looks among the flags of the subcommands, too.
  [[nodiscard]] const Flag* find_anywhere(std::string_view name) const {
    const Flag* flag = find(name);
    for (const SubcommandFlags& each : subcommands) {
      if (flag == nullptr) flag = each.find(name);
    }
    return flag;
  }

  [[nodiscard]] std::string nearest_flag(std::string_view word) const {
    const auto letters = [](std::string_view name) {
      return name.substr(std::min(name.find_first_not_of('-'), name.size()));
    };
    std::vector<std::string_view> known;
    for (const Flag& flag : all()) known.push_back(letters(flag.name));
    if (given() != nullptr) {
      for (const Flag& flag : given()->all()) known.push_back(letters(flag.name));
    }
    return suggestion(letters(word), known, "--");
  }
};

// Refuses `--flag=`: CLI11 would take the next argument for the missing value.
void check_empty_values(const ProgramFlags& flags, const std::vector<std::string_view>& arguments) {
  for (const std::string_view argument : arguments) {
    if (!argument.ends_with('=')) continue;
    const Flag* flag = flags.find_anywhere(argument.substr(0, argument.size() - 1));
    if (flag != nullptr) flag->fail("nothing");
  }
}

[[noreturn]] void throw_unexpected(const ProgramFlags& flags, const std::string& word) {
  const std::string problem = "unexpected argument " + quoted_excerpt(word);
  if (flags.given() != nullptr) throw UsageError(problem);
  const std::string nearest = suggestion(excerpt(word), subcommand_names());
  throw UsageError(problem +
                   (nearest.empty() ? ": expected diagnose, explain, top or a flag" : nearest));
}

void check_unknown(const ProgramFlags& flags, std::vector<std::string> unknown) {
  const bool behind_flags = !unknown.empty() && unknown.front() == "--";
  std::erase(unknown, "--");
  if (unknown.empty()) return;
  const std::string& first = unknown.front();
  if (behind_flags || !first.starts_with('-')) throw_unexpected(flags, first);
  const std::string name = excerpt(first.substr(0, first.find('=')));
  throw UsageError("unknown flag " + name + flags.nearest_flag(name));
}

// `problem` is CLI11's text, which begins with the name of the flag.
[[noreturn]] void throw_missing_value(const ProgramFlags& flags, const std::string& problem) {
  const Flag* flag = flags.find_anywhere(problem.substr(0, problem.find(':')));
  if (flag != nullptr) flag->fail("nothing");
  throw UsageError("expected a value behind the last flag, got nothing");
}

void set_subcommand(CommandLine& result, const SubcommandFlags& given) {
  const std::string name = given.app().get_name();
  if (result.config_check || result.health || result.once) {
    throw UsageError(name + ": expected without --config.check, --health and --once");
  }
  given.check_repeated();
  result.subcommand = given.id;
  result.report = given.options();
}

// Throws UsageError.
CommandLine command_line_of(const ProgramFlags& flags) {
  CommandLine result;
  if (flags.config_file.is_given()) result.config_file = flags.config_file.value();
  result.config_check = flags.check.is_on();
  result.health = flags.health.is_on();
  result.once = flags.once.is_on();
  check_one_task(result);
  if (flags.once_process.is_given()) {
    result.once_process = flags.once_process.is_on();
    if (!result.once) throw UsageError("--once.process: expected --once beside it");
  }
  for (const Flag& flag : flags.all()) {
    if (flag.sets == nullptr || !flag.is_given()) continue;
    result.settings.push_back({flag.sets->flag, flag.sets->key, flag.option->results()});
  }
  if (flags.given() != nullptr) set_subcommand(result, *flags.given());
  return result;
}

// Throws UsageError.
std::variant<CommandLine, ExitStatus> parse(CLI::App& app, int argc, const char* const* argv) {
  const ProgramFlags flags(app);
  app.require_subcommand(0, 1);
  check_empty_values(flags, {argv + 1, argv + std::max(argc, 1)});
  try {
    app.parse(argc, argv);
  } catch (const CLI::ArgumentMismatch& error) {
    throw_missing_value(flags, error.what());
  }
  if (flags.help.is_on()) return ExitStatus{0, app.help()};
  if (flags.version.is_on()) return ExitStatus{0, version_text() + "\n"};
  check_unknown(flags, app.remaining());
  flags.check_repeated();
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
