// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/cli/load_configuration.hpp"

#include "sockdiag/configuration/configuration_file.hpp"
#include "sockdiag/configuration/configuration_keys.hpp"
#include "sockdiag/http/listen_address.hpp"
#include "sockdiag/metrics/metric_families.hpp"

namespace sockdiag {
namespace {

void set_key(LoadedConfiguration& loaded, const CommandLine::Setting& setting) {
  const ConfigurationKey& key = *find_configuration_key(setting.key);
  if (key.is_list()) key.clear(loaded.configuration);
  loaded.origins.set(key.name, std::string(setting.flag));
  for (const std::string& value : setting.values) {
    try {
      key.set(loaded.configuration, value);
      loaded.origins.add_element(key.name, std::string(setting.flag));
    } catch (const ConfigError& error) {
      throw ConfigError(std::string(setting.flag) + ": expected " +
                        std::string(key.expected_of_one()) + ", " + error.what());
    }
  }
}

}  // namespace

Configuration load_configuration(const CommandLine& command_line) {
  return load_with_origins(command_line).configuration;
}

LoadedConfiguration load_with_origins(const CommandLine& command_line) {
  LoadedConfiguration loaded;
  if (command_line.config_file) loaded = load_file(*command_line.config_file);
  for (const CommandLine::Setting& setting : command_line.settings) set_key(loaded, setting);
  check_families(loaded, family_names());
  check_contradictions(loaded);
  return loaded;
}

void check_listen_addresses(const LoadedConfiguration& loaded) {
  constexpr std::string_view kKey = "web.listen_addresses";
  const std::vector<std::string>& addresses = loaded.configuration.web.listen_addresses;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    try {
      check_listen_address(addresses[i]);
    } catch (const ListenAddressError& error) {
      const std::string place = loaded.origins.of_element(kKey, i).value_or(std::string(kKey));
      throw ConfigError(place + ": " + error.what());
    }
  }
}

}  // namespace sockdiag
