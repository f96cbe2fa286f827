// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/cli/command_line.hpp"

#include <filesystem>
#include <fstream>
#include <utility>

#include "sockdiag/cli/commands.hpp"
#include "sockdiag/configuration/configuration_keys.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

CommandLine parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "sockdiag_exporter");
  const auto parsed = parse_command_line(static_cast<int>(arguments.size()), arguments.data());
  REQUIRE(std::holds_alternative<CommandLine>(parsed));
  return std::get<CommandLine>(parsed);
}

// What is to be printed, with that status.
std::string text_of(std::vector<const char*> arguments, int status = 0) {
  arguments.insert(arguments.begin(), "sockdiag_exporter");
  const auto parsed = parse_command_line(static_cast<int>(arguments.size()), arguments.data());
  REQUIRE(std::holds_alternative<ExitStatus>(parsed));
  CHECK(std::get<ExitStatus>(parsed).status == status);
  return std::get<ExitStatus>(parsed).text;
}

// What is said of wrong flags.
std::string problem_of(std::vector<const char*> arguments) {
  return text_of(std::move(arguments), 2);
}

}  // namespace

TEST_CASE("Without flags the configuration is that of the defaults") {
  const CommandLine command_line = parse({});
  CHECK_FALSE(command_line.config_file);
  CHECK_FALSE(command_line.once);
  CHECK_FALSE(command_line.config_check);
  CHECK(load_configuration(command_line).web.listen_addresses ==
        std::vector<std::string>{":10293"});
}

TEST_CASE("Every flag of a key sets that key and no other") {
  for (const KeyFlag& flag : key_flags()) {
    CAPTURE(flag.flag);
    CHECK(find_configuration_key(flag.key) != nullptr);
  }
  const auto configuration = load_configuration(
      parse({"--web.listen-address=127.0.0.1:1", "--web.listen-address", "127.0.0.1:2",
             "--web.telemetry-path=/m", "--web.max-requests=7", "--web.enable-lifecycle",
             "--owners.enabled=false", "--log.level=debug", "--log.format=json"}));
  CHECK_FALSE(configuration.owners.enabled);
  CHECK(configuration.web.listen_addresses ==
        std::vector<std::string>{"127.0.0.1:1", "127.0.0.1:2"});
  CHECK(configuration.web.telemetry_path == "/m");
  CHECK(configuration.web.max_requests == 7);
  CHECK(configuration.web.enable_lifecycle);
  CHECK(configuration.log.level == LogLevel::debug);
  CHECK(configuration.log.format == LogFormat::json);
}

TEST_CASE("Flags win over the file") {
  const auto path = std::filesystem::temp_directory_path() / "sockdiag_command_line_test.yml";
  std::ofstream(path) << "web: {max_requests: 5, telemetry_path: /file, enable_lifecycle: true}\n";
  const std::string file_flag = "--config.file=" + path.string();
  const auto configuration = load_configuration(
      parse({file_flag.c_str(), "--web.max-requests=7", "--web.enable-lifecycle=false"}));
  std::filesystem::remove(path);
  CHECK(configuration.web.max_requests == 7);
  CHECK(configuration.web.telemetry_path == "/file");
  CHECK_FALSE(configuration.web.enable_lifecycle);
}

TEST_CASE("Only what flags and file make together is checked for contradictions") {
  const auto path = std::filesystem::temp_directory_path() / "sockdiag_contradiction_test.yml";
  std::ofstream(path) << "web: {listen_addresses: []}\n";
  const std::string file_flag = "--config.file=" + path.string();
  CHECK(load_configuration(parse({file_flag.c_str(), "--web.listen-address=:1"}))
            .web.listen_addresses == std::vector<std::string>{":1"});
  CHECK_THROWS_WITH(load_configuration(parse({file_flag.c_str()})),
                    path.string() + ":1:25: web.listen_addresses: expected at least one address");
  std::filesystem::remove(path);
}

TEST_CASE("A pattern that matches no family is refused where it stands") {
  const auto path = std::filesystem::temp_directory_path() / "sockdiag_families_test.yml";
  const std::string file_flag = "--config.file=" + path.string();
  const auto problem_in = [&](const std::string& text) -> std::string {
    std::ofstream(path) << text;
    try {
      static_cast<void>(load_configuration(parse({file_flag.c_str()})));
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "no problem";
  };
  const std::string expected =
      ": metrics.exclude: expected a list of names of families, or their beginnings and *, such as "
      "process_*, got ";
  CHECK(problem_in("metrics:\n  exclude: [process_*, sockdiag_tcp_socket]\n") ==
        path.string() + ":2:24" + expected +
            "\"sockdiag_tcp_socket\"; did you mean \"sockdiag_tcp_sockets\"?");
  for (const std::string pattern : {"go_*", "sockdiag_*_total", "memory"}) {
    CHECK(problem_in("metrics: {exclude: [" + pattern + "]}") ==
          path.string() + ":1:21" + expected + "\"" + pattern + "\"");
  }
  CHECK(problem_in("metrics: {exclude: [\"\"]}") == path.string() + ":1:21" + expected + "\"\"");
  CHECK(problem_in("metrics: {exclude: [\"*\"]}") == "no problem");
  CHECK(problem_in("metrics: {exclude: [sockdiag_tcp_*, process_max_fds]}") == "no problem");
  std::filesystem::remove(path);
}

TEST_CASE("An address that this host has not is told with where it was given") {
  const auto path = std::filesystem::temp_directory_path() / "sockdiag_foreign_test.yml";
  std::ofstream(path) << "web:\n  listen_addresses: [\":1\", \"192.0.2.1:1\"]\n";
  const std::string file_flag = "--config.file=" + path.string();
  CHECK_THROWS_WITH(static_cast<void>(run_command(parse({"--config.check", file_flag.c_str()}))),
                    path.string() + ":2:28: 192.0.2.1:1: the address is not one of this host");
  std::filesystem::remove(path);
  CHECK_THROWS_WITH(
      static_cast<void>(run_command(parse({"--config.check", "--web.listen-address=127.0.0.1:1",
                                           "--web.listen-address=192.0.2.1:1"}))),
      "--web.listen-address: 192.0.2.1:1: the address is not one of this host");
}

TEST_CASE("A flag's bad value is told by the flag and what was expected") {
  CHECK_THROWS_WITH(load_configuration(parse({"--log.level=loud"})),
                    contains_text("--log.level: expected one of debug, info, warning, error, got "
                                  "\"loud\""));
  CHECK_THROWS_WITH(load_configuration(parse({"--web.listen-address=nowhere"})),
                    contains_text("--web.listen-address: expected an address such as"));
}

TEST_CASE("What is wrong with the flags is said in words of our own") {
  struct Row {
    std::vector<const char*> arguments;
    const char* problem;
  };
  const auto row = GENERATE(values<Row>({
      {{"--foo"}, "unknown flag --foo"},
      {{"--foo=bar"}, "unknown flag --foo"},
      {{"-x"}, "unknown flag -x"},
      {{"--onec"}, "unknown flag --onec; did you mean --once?"},
      {{"-once"}, "unknown flag -once; did you mean --once?"},
      {{"--log-level=info"}, "unknown flag --log-level; did you mean --log.level?"},
      {{"--web.listen-addres", ":1"},
       "unknown flag --web.listen-addres; did you mean --web.listen-address?"},
      {{"--versions"}, "unknown flag --versions; did you mean --version?"},
      {{"stray"}, "unexpected argument \"stray\": expected diagnose, explain, top or a flag"},
      {{"diagnos"}, "unexpected argument \"diagnos\"; did you mean diagnose?"},
      {{"--log.level=info", "tpo"}, "unexpected argument \"tpo\"; did you mean top?"},
      {{"expl"}, "unexpected argument \"expl\"; did you mean explain?"},
      {{"--config.check", "--", "stray"},
       "unexpected argument \"stray\": expected diagnose, explain, top or a flag"},
      {{"--", "--once"},
       "unexpected argument \"--once\": expected diagnose, explain, top or a flag"},
      {{"diagnose", "8080"}, "unexpected argument \"8080\""},
      {{"diagnose", "explain"}, "unexpected argument \"explain\""},
      {{"explain", "LISTEN", "CLOSE"}, "unexpected argument \"CLOSE\""},
      {{"diagnose", "--fro", "3s"}, "unknown flag --fro; did you mean --for?"},
      {{"top", "--format=json"}, "unknown flag --format"},
      {{"--for=3s"}, "unknown flag --for"},
      {{"diagnose", "--for="},
       "--for: expected a duration from 0s to 1d, such as 10s, got nothing"},
      {{"diagnose", "--for"}, "--for: expected a duration from 0s to 1d, such as 10s, got nothing"},
      {{"diagnose", "--for=ten"},
       "--for: expected a duration from 0s to 1d, such as 10s, got \"ten\""},
      {{"diagnose", "--for=25h"},
       "--for: expected a duration from 0s to 1d, such as 10s, got \"25h\""},
      {{"diagnose", "--for=1s", "--url=http://h"},
       "--for: expected a duration from 0s to 1d, such as 10s, got --url beside it"},
      {{"diagnose", "--pid=0"}, "--pid: expected the number of a process, such as 4242, got \"0\""},
      {{"diagnose", "--pid=4194305"},
       "--pid: expected the number of a process, such as 4242, got \"4194305\""},
      {{"diagnose", "--pid=1x"},
       "--pid: expected the number of a process, such as 4242, got \"1x\""},
      {{"diagnose", "--pid=-1"},
       "--pid: expected the number of a process, such as 4242, got \"-1\""},
      {{"top", "--pid=self"},
       "--pid: expected the number of a process, such as 4242, got \"self\""},
      {{"diagnose", "--netns="},
       "--netns: expected the name of a network namespace or a path, got nothing"},
      {{"diagnose", "--netns=blue", "--pid=1"},
       "--netns: expected the name of a network namespace or a path, got --pid beside it"},
      {{"diagnose", "--url=http://h", "--pid=1"},
       "--pid: expected the number of a process, such as 4242, got --url beside it"},
      {{"top", "--netns=blue", "--url=http://h"},
       "--netns: expected the name of a network namespace or a path, got --url beside it"},
      {{"explain", "--pid=1"}, "unknown flag --pid"},
      {{"--once", "--pid=1"}, "unknown flag --pid"},
      {{"--netns=blue"}, "unknown flag --netns"},
      {{"diagnose", "--format=xml"}, "--format: expected one of text, json, got \"xml\""},
      {{"explain", "--color=red"}, "--color: expected one of auto, always, never, got \"red\""},
      {{"top", "--lang=de"}, "--lang: expected one of en, zh-CN, got \"de\""},
      {{"top", "--lang=en", "--lang=en"}, "--lang: expected once, got it 2 times"},
      {{"diagnose", "--once"}, "diagnose: expected without --config.check, --health and --once"},
      {{"--health", "top"}, "top: expected without --config.check, --health and --once"},
      {{"--config.file"}, "--config.file: expected the path of a file, got nothing"},
      {{"--config.file="}, "--config.file: expected the path of a file, got nothing"},
      {{"--log.level=", "--once"},
       "--log.level: expected one of debug, info, warning, error, got nothing"},
      {{"--log.format=json", "--log.format=json"}, "--log.format: expected once, got it 2 times"},
      {{"--once", "--once=false"}, "--once: expected once, got it 2 times"},
      {{"--once=perhaps"}, "--once: expected true or false, got \"perhaps\""},
      {{"--health=1"}, "--health: expected true or false, got \"1\""},
      {{"--config.check=yes"}, "--config.check: expected true or false, got \"yes\""},
      {{"--health="}, "--health: expected true or false, got nothing"},
      {{"--version=1.2"}, "--version: expected true or false, got \"1.2\""},
      {{"--help=flags"}, "--help: expected true or false, got \"flags\""},
      {{"--health", "--once"},
       "expected one of --config.check, --health and --once, got --health and --once"},
      {{"--once", "--config.check"},
       "expected one of --config.check, --health and --once, got --config.check and --once"},
  }));
  CAPTURE(row.arguments);
  CHECK(problem_of(row.arguments) ==
        "sockdiag_exporter: " + std::string(row.problem) + " (--help lists the flags)\n");
}

TEST_CASE("A subcommand has flags of its own and takes those of the configuration") {
  CHECK(parse({}).subcommand == Subcommand::none);
  const CommandLine diagnose =
      parse({"diagnose", "--for", "1m30s", "--format=json", "--color=never", "--lang=zh-CN",
             "--config.file=x.yml", "--log.level=warn"});
  CHECK(diagnose.is_command());
  CHECK(diagnose.subcommand == Subcommand::diagnose);
  CHECK(diagnose.report.watch_for == std::chrono::seconds(90));
  CHECK(diagnose.report.json);
  CHECK(diagnose.report.color == ColorChoice::never);
  CHECK(diagnose.report.language == Language::chinese);
  CHECK(diagnose.config_file == "x.yml");
  CHECK(diagnose.settings.size() == 1);
  const CommandLine explain = parse({"--log.level=info", "explain", "close-wait"});
  CHECK(explain.subcommand == Subcommand::explain);
  CHECK(explain.report.subject == "close-wait");
  CHECK_FALSE(explain.report.language);
  const CommandLine top = parse({"top", "--url=http://[::1]:1"});
  CHECK(top.subcommand == Subcommand::top);
  CHECK(top.report.url == "http://[::1]:1");
  CHECK(top.report.color == ColorChoice::automatic);
  CHECK(parse({"top", "--lang=zh_CN.UTF-8"}).report.language == Language::chinese);
  CHECK(parse({"top", "--lang=zh"}).report.language == Language::chinese);
  CHECK(parse({"top", "--lang=en_US"}).report.language == Language::english);
  CHECK(parse({"diagnose", "--pid=4194304"}).report.pid == 4194304);
  CHECK(parse({"top", "--pid", "1"}).report.pid == 1);
  CHECK(parse({"diagnose", "--for=1s", "--netns=blue"}).report.netns == "blue");
  CHECK_FALSE(parse({"diagnose"}).report.pid);
  CHECK(parse({"diagnose"}).report.watch_for == std::chrono::seconds(10));
  CHECK(parse({"diagnose", "--for=0s"}).report.watch_for == std::chrono::seconds(0));
}

TEST_CASE("A subject may be the name of a subcommand") {
  CHECK(parse({"explain", "diagnose"}).report.subject == "diagnose");
}

TEST_CASE("Help shows each subcommand with an example, and a subcommand's its flags") {
  const std::string help = text_of({"--help"});
  for (const std::string name : {"diagnose", "explain", "top"}) {
    CAPTURE(name);
    CHECK(help.find("\n  " + name + " ") != std::string::npos);
    CHECK(help.find("sockdiag_exporter " + name + " ") != std::string::npos);
    CHECK(text_of({name.c_str(), "--help"}) == text_of({name.c_str(), "-h", "--nonsense"}));
    CHECK(text_of({name.c_str(), "--help"}).find("--lang") != std::string::npos);
  }
  CHECK(help.find("--lang") == std::string::npos);
}

TEST_CASE("An unknown flag is not repeated whole") {
  CHECK(problem_of({("--" + std::string(5000, 'x')).c_str()}).size() < 200);
}

TEST_CASE("A flag that is true or false takes either, and no next argument") {
  CHECK(parse({"--once"}).once);
  CHECK(parse({"--once=true"}).once);
  CHECK_FALSE(parse({"--once=false"}).once);
  CHECK(parse({"--health", "--once=false"}).health);
  CHECK_FALSE(parse({"--config.check=false", "--"}).config_check);
  CHECK(problem_of({"--once", "false"}).find("unexpected argument \"false\"") != std::string::npos);
  CHECK(load_configuration(parse({"--web.enable-lifecycle"})).web.enable_lifecycle);
  CHECK(load_configuration(parse({"--web.enable-lifecycle=true"})).web.enable_lifecycle);
  CHECK_FALSE(load_configuration(parse({"--web.enable-lifecycle=false"})).web.enable_lifecycle);
  CHECK_THROWS_WITH(load_configuration(parse({"--web.enable-lifecycle=0"})),
                    "--web.enable-lifecycle: expected true or false, got \"0\"");
}

TEST_CASE("Help and version come before everything else that is asked, unless they are false") {
  CHECK(text_of({"--help", "--nonsense"}).find("--log.level") != std::string::npos);
  CHECK(text_of({"-h"}) == text_of({"--help=true"}));
  CHECK(text_of({"--once", "--health", "--version"}).starts_with("sockdiag_exporter "));
  CHECK(parse({"--help=false", "--version=false", "--once"}).once);
}

TEST_CASE("The level warning has a short name, and shows the long one") {
  const auto configuration = load_configuration(parse({"--log.level=warn"}));
  CHECK(configuration.log.level == LogLevel::warning);
  CHECK(find_configuration_key("log.level")->show(configuration) == "warning");
}

TEST_CASE("A flag's long value is not repeated whole") {
  const std::string flag = "--log.level=" + std::string(5000, 'x');
  CHECK_THROWS_WITH(load_configuration(parse({flag.c_str()})),
                    contains_text("got \"" + std::string(80, 'x') + "...\" (the first 80 of 5000"));
}

}  // namespace sockdiag::test
