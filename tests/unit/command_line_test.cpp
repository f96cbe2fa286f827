// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/exporter/command_line.hpp"

#include <filesystem>
#include <fstream>

#include "sockdiag/exporter/configuration_keys.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

CommandLine parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "sockdiag_exporter");
  const auto parsed = parse_command_line(static_cast<int>(arguments.size()), arguments.data());
  REQUIRE(std::holds_alternative<CommandLine>(parsed));
  return std::get<CommandLine>(parsed);
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
             "--log.level=debug", "--log.format=json"}));
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
  std::ofstream(path) << "web: {max_requests: 5, telemetry_path: /file}\n";
  const std::string file_flag = "--config.file=" + path.string();
  const auto configuration = load_configuration(parse({file_flag.c_str(), "--web.max-requests=7"}));
  std::filesystem::remove(path);
  CHECK(configuration.web.max_requests == 7);
  CHECK(configuration.web.telemetry_path == "/file");
}

TEST_CASE("A flag's bad value is told by the flag and what was expected") {
  CHECK_THROWS_WITH(load_configuration(parse({"--log.level=loud"})),
                    contains_text("--log.level: expected one of debug, info, warning, error, got "
                                  "\"loud\""));
  CHECK_THROWS_WITH(load_configuration(parse({"--web.listen-address=nowhere"})),
                    contains_text("--web.listen-address: expected a list of addresses"));
}

TEST_CASE("A flag's long value is not repeated whole") {
  const std::string flag = "--log.level=" + std::string(5000, 'x');
  CHECK_THROWS_WITH(load_configuration(parse({flag.c_str()})),
                    contains_text("got \"" + std::string(80, 'x') + "...\" (the first 80 of 5000"));
}

}  // namespace sockdiag::test
