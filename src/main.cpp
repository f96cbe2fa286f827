// SPDX-License-Identifier: Apache-2.0

// Threads: this one waits for signals; the sampler's reads the kernel; one reloads; CivetWeb's
// answer requests. While the server stops, one more wakes the thread that accepts connections.

#include <spdlog/spdlog.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <iostream>
#include <utility>
#include <variant>

#include "sockdiag/exporter/command_line.hpp"
#include "sockdiag/exporter/exporter.hpp"
#include "sockdiag/exporter/log.hpp"
#include "sockdiag/exporter/standard_streams.hpp"

namespace {

using namespace sockdiag;

constexpr int kExitFailed = 1;
constexpr int kExitWrongConfiguration = 2;

int fail(int status, const char* why) {
  std::cerr << "sockdiag_exporter: " << one_line(why) << '\n';
  return status;
}

// Before any thread starts, so that all inherit it.
sigset_t block_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  for (const int each : {SIGHUP, SIGINT, SIGTERM}) sigaddset(&signals, each);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// A dump or a read that hangs cannot be cut short, and a supervisor does not wait: nothing is lost
// by going.
void leave_within_two_seconds() {
  std::signal(SIGALRM, [](int) { ::_exit(EXIT_SUCCESS); });
  const itimerval timer{.it_interval = {}, .it_value = {.tv_sec = 1, .tv_usec = 800'000}};
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

int serve(const CommandLine& command_line, const Configuration& configuration) {
  auto addresses = resolve_listen_addresses(configuration);  // may wait for a resolver
  const sigset_t signals = block_signals();
  Exporter exporter(configuration, std::move(addresses),
                    [&] { return load_configuration(command_line); });
  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal == SIGHUP) exporter.request_reload();
  spdlog::info("ending on signal {}", signal);
  leave_within_two_seconds();
  return EXIT_SUCCESS;
}

// Until it serves, SIGTERM ends it whatever it waits for: signals still have their default actions.
int run(const CommandLine& command_line) {
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
  if (command_line.once) {
    const auto metrics = sample_once(configuration);
    std::cout << metrics.value_or("");
    return metrics ? EXIT_SUCCESS : kExitFailed;
  }
  return serve(command_line, configuration);
}

}  // namespace

int main(int argc, char** argv) {
  hold_standard_descriptors();
  try {
    const auto parsed = parse_command_line(argc, argv);
    const auto* exit = std::get_if<ExitStatus>(&parsed);
    const int status = exit != nullptr ? exit->status : run(std::get<CommandLine>(parsed));
    return flush_standard_output() ? status
                                   : fail(kExitFailed, "standard output cannot be written");
  } catch (const ConfigError& error) {
    return fail(kExitWrongConfiguration, error.what());
  } catch (const std::exception& error) {
    return fail(kExitFailed, error.what());
  }
}
