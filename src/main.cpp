// SPDX-License-Identifier: Apache-2.0

// Threads: this one waits for signals. One writes the log, so that no other waits for standard
// error. The sampler's reads the kernel. One reloads the configuration. One watches the web
// configuration, if there is one. One accepts connections and holds their deadlines, so that silent
// clients keep no worker. CivetWeb's answer requests.

#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <variant>

#include "sockdiag/cli/command_line.hpp"
#include "sockdiag/cli/commands.hpp"
#include "sockdiag/core/quoted.hpp"
#include "sockdiag/service/exporter.hpp"
#include "sockdiag/service/forbidden_calls.hpp"
#include "sockdiag/service/log.hpp"
#include "sockdiag/service/process.hpp"
#include "sockdiag/service/signals.hpp"

namespace {

using namespace sockdiag;

int fail(int status, const char* why) {
  std::cerr << "sockdiag_exporter: " << one_line(why) << '\n';
  return status;
}

// Handles signals first: reading the configuration and resolving names may hang.
int serve(const CommandLine& command_line) {
  handle_signals();
  const Configuration configuration = load_configuration(command_line);
  const std::string unforbidden = forbid_calls();  // before the first thread
  const BackgroundLog log(configuration.log);
  if (!unforbidden.empty()) spdlog::warn("{}", unforbidden);
  try {
    Exporter exporter(configuration, resolve_listen_addresses(configuration),
                      [&] { return load_configuration(command_line); });
    int signal = wait_for_signal();
    for (; signal == SIGHUP; signal = wait_for_signal()) exporter.request_reload();
    spdlog::info("ending on signal {}", signal);
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    spdlog::error("{}", error.what());
    end_within_two_seconds(kExitFailed);  // even if nobody reads the log
    return kExitFailed;
  }
}

// Releases the signals first, so that they end the process while nobody reads what it prints.
int print(const ExitStatus& exit, HeldSignals& signals) {
  signals.release();
  (exit.status == EXIT_SUCCESS ? std::cout : std::cerr) << exit.text << std::flush;
  return exit.status;
}

int run(const CommandLine& command_line, HeldSignals& signals) {
  if (!command_line.is_command()) return serve(command_line);
  signals.release();
  return run_command(command_line);
}

// Runs before the constructors of global objects, which allocate.
[[gnu::constructor(101)]] void before_constructors() { end_if_out_of_memory(); }

}  // namespace

int main(int argc, char** argv) {
  HeldSignals signals;
  hold_standard_descriptors();
  limit_virtual_memory();
  int failed = kExitFailed;
  try {
    const auto parsed = parse_command_line(argc, argv);
    const auto* exit = std::get_if<ExitStatus>(&parsed);
    if (exit == nullptr) failed = std::get<CommandLine>(parsed).exit_status_of_failure();
    const int status =
        exit != nullptr ? print(*exit, signals) : run(std::get<CommandLine>(parsed), signals);
    if (status == kExitWrongUsage || flush_standard_output()) return status;
    return fail(kExitFailed, "standard output cannot be written");
  } catch (const ConfigError& error) {
    return fail(kExitWrongUsage, error.what());
  } catch (const std::exception& error) {
    return fail(failed, error.what());
  }
}
