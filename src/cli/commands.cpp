// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/cli/commands.hpp"

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <stdexcept>

#include "sockdiag/cli/load_configuration.hpp"
#include "sockdiag/core/quoted.hpp"
#include "sockdiag/http/http_client.hpp"
#include "sockdiag/pages/pages.hpp"
#include "sockdiag/service/exporter.hpp"
#include "sockdiag/service/log.hpp"

namespace sockdiag {
namespace {

constexpr std::chrono::seconds kHealthTimeout(3);

int check_configuration(const LoadedConfiguration& loaded) {
  check_listen_addresses(loaded);
  std::cout << "ok\n";
  return EXIT_SUCCESS;
}

// Asks the exporter that was started with this configuration, at its first address.
int print_health(const Configuration& configuration) {
  int status = 0;
  std::string text;
  try {
    const auto addresses = resolve_listen_address(configuration.web.listen_addresses.front());
    status = get_status(addresses.front(), kHealthPath, kHealthTimeout);
    text = status == 200 ? "healthy" : "unhealthy: status " + std::to_string(status);
  } catch (const std::runtime_error& error) {
    text = error.what();
  }
  std::cout << one_line(text) << '\n';
  return status == 200 ? EXIT_SUCCESS : kExitFailed;
}

int print_sample(const Configuration& configuration, bool process) {
  const auto metrics = sample_once(configuration, process);
  std::cout << metrics.value_or("");
  return metrics ? EXIT_SUCCESS : kExitFailed;
}

}  // namespace

int run_command(const CommandLine& command_line) {
  const LoadedConfiguration loaded = load_with_origins(command_line);
  if (command_line.config_check) return check_configuration(loaded);
  set_up_logging(loaded.configuration.log);
  if (command_line.health) return print_health(loaded.configuration);
  return print_sample(loaded.configuration, command_line.once_process);
}

}  // namespace sockdiag
