// SPDX-License-Identifier: Apache-2.0

// The configuration file. What is accepted is shown as YAML that gives the same values again.

#include <map>
#include <string>

#include "generated_input.hpp"
#include "sockdiag/configuration/config_error.hpp"
#include "sockdiag/configuration/configuration_file.hpp"
#include "sockdiag/configuration/configuration_keys.hpp"
#include "sockdiag/metrics/metric_families.hpp"

namespace sockdiag::test {
namespace {

constexpr char kName[] = "fuzz.yml";

// Returns all keys, as a file has them.
std::string file_of(const Configuration& configuration) {
  std::map<std::string, std::string> sections;
  for (const ConfigurationKey& key : configuration_keys()) {
    const std::size_t point = key.name.find('.');
    sections[std::string(key.name.substr(0, point))] +=
        "  " + std::string(key.name.substr(point + 1)) + ": " + key.show(configuration) + "\n";
  }
  std::string text;
  for (const auto& [section, keys] : sections) text.append(section).append(":\n").append(keys);
  return text;
}

void load(const std::string& text) {
  LoadedConfiguration loaded;
  try {
    loaded = load_text(text, kName);
    check_families(loaded, family_names());
    check_contradictions(loaded);
  } catch (const ConfigError& error) {
    require(std::string_view(error.what()).find(kName) != std::string_view::npos,
            "an error names the file");
    return;
  }
  const std::string shown = file_of(loaded.configuration);
  try {
    const LoadedConfiguration again = load_text(shown, kName);
    require(file_of(again.configuration) == shown, "what is shown is what is in force");
  } catch (const ConfigError& error) {
    require(false, error.what());
  }
}

}  // namespace
}  // namespace sockdiag::test

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  sockdiag::test::load(sockdiag::test::GeneratedInput(bytes, size).take_rest());
  return 0;
}
