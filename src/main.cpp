// SPDX-License-Identifier: Apache-2.0

// Threads: this one waits for signals; one writes the log, so that no other waits for standard
// error; the sampler's reads the kernel; one reloads; CivetWeb's answer requests.

#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <variant>

#include "sockdiag/cli/command_line.hpp"
#include "sockdiag/core/quoted.hpp"
#include "sockdiag/service/exporter.hpp"
#include "sockdiag/service/log.hpp"
#include "sockdiag/service/signals.hpp"
#include "sockdiag/service/standard_streams.hpp"
#include "sockdiag/service/virtual_memory.hpp"

namespace {

using namespace sockdiag;

constexpr int kExitFailed = 1;
constexpr int kExitWrongConfiguration = 2;

int fail(int status, const char* why) {
  std::cerr << "sockdiag_exporter: " << one_line(why) << '\n';
  return status;
}

// Signals are handled before anything is read, or waited for, that may hang.
int serve(const CommandLine& command_line) {
  handle_signals();
  const Configuration configuration = load_configuration(command_line);
  const BackgroundLog log(configuration.log);
  try {
    Exporter exporter(configuration, resolve_listen_addresses(configuration),
                      [&] { return load_configuration(command_line); });
    int signal = wait_for_signal();
    for (; signal == SIGHUP; signal = wait_for_signal()) exporter.request_reload();
    spdlog::info("ending on signal {}", signal);
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    spdlog::error("{}", error.what());
    end_within_two_seconds(kExitFailed);  // where nobody reads the log
    return kExitFailed;
  }
}

// What ends by itself.
int run_command(const CommandLine& command_line) {
  const LoadedConfiguration loaded = load_with_origins(command_line);
  const Configuration& configuration = loaded.configuration;
  if (command_line.config_check) {
    check_listen_addresses(loaded);
    std::cout << "ok\n";
    return EXIT_SUCCESS;
  }
  set_up_logging(configuration.log);
  if (command_line.health) {
    const Health health = ask_for_health(configuration);
    std::cout << one_line(health.text) << '\n';
    return health.healthy ? EXIT_SUCCESS : kExitFailed;
  }
  const auto metrics = sample_once(configuration, command_line.once_process);
  std::cout << metrics.value_or("");
  return metrics ? EXIT_SUCCESS : kExitFailed;
}

// Whoever does not read what is printed can still end the process by a signal.
int print(const ExitStatus& exit, HeldSignals& signals) {
  signals.release();
  (exit.status == EXIT_SUCCESS ? std::cout : std::cerr) << exit.text << std::flush;
  return exit.status;
}

int run(const CommandLine& command_line, HeldSignals& signals) {
  const bool ends = command_line.config_check || command_line.health || command_line.once;
  if (!ends) return serve(command_line);
  signals.release();
  return run_command(command_line);
}

}  // namespace

int main(int argc, char** argv) {
  HeldSignals signals;
  hold_standard_descriptors();
  limit_virtual_memory();
  try {
    const auto parsed = parse_command_line(argc, argv);
    const auto* exit = std::get_if<ExitStatus>(&parsed);
    const int status =
        exit != nullptr ? print(*exit, signals) : run(std::get<CommandLine>(parsed), signals);
    return flush_standard_output() ? status
                                   : fail(kExitFailed, "standard output cannot be written");
  } catch (const ConfigError& error) {
    return fail(kExitWrongConfiguration, error.what());
  } catch (const std::exception& error) {
    return fail(kExitFailed, error.what());
  }
}
