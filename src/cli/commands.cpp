// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/cli/commands.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <stdexcept>

#include "network_namespace.hpp"
#include "sockdiag/configuration/configuration_file.hpp"
#include "sockdiag/configuration/configuration_keys.hpp"
#include "sockdiag/configuration/web_configuration.hpp"
#include "sockdiag/core/quoted.hpp"
#include "sockdiag/http/http_client.hpp"
#include "sockdiag/http/listen_address.hpp"
#include "sockdiag/metrics/metric_families.hpp"
#include "sockdiag/pages/pages.hpp"
#include "sockdiag/procfs/process_stats.hpp"
#include "sockdiag/sampling/sampler.hpp"
#include "sockdiag/sampling/source.hpp"
#include "sockdiag/service/log.hpp"
#include "sockdiag/service/process.hpp"
#include "subcommands.hpp"
#include "terminal.hpp"

namespace sockdiag {
namespace {

constexpr std::chrono::seconds kHealthTimeout(3);
// Visits of many other network namespaces may take that long.
constexpr std::chrono::seconds kPatience(5);

void set_key(LoadedConfiguration& loaded, const CommandLine::Setting& setting) {
  const ConfigurationKey& key = *find_configuration_key(setting.key);
  const std::string flag(setting.flag);
  if (key.is_list()) key.clear(loaded.configuration);
  loaded.origins.set(key.name, flag);
  for (const std::string& value : setting.values) {
    try {
      key.set(loaded.configuration, value);
    } catch (const ConfigError& error) {
      throw ConfigError(flag + ": expected " + key.expected_of_one() + ", " + error.what());
    }
    loaded.origins.add_element(key.name, flag);
  }
}

LoadedConfiguration load_with_origins(const CommandLine& command_line) {
  LoadedConfiguration loaded;
  if (command_line.config_file) loaded = load_file(*command_line.config_file);
  for (const CommandLine::Setting& setting : command_line.settings) set_key(loaded, setting);
  check_families(loaded, family_names());
  check_contradictions(loaded);
  return loaded;
}

// Throws ConfigError, with the place, if the web configuration could not be put in force.
void check_web_file(const Configuration::Web& web) {
  std::vector<FileStamp> files;
  if (!web.config_file.empty()) {
    static_cast<void>(load_web_configuration(web.config_file, files));
  }
}

// Throws ConfigError, with the place, if this host could not listen on one of the addresses. Ports
// may be in use. Asks the resolver for the addresses of names.
int check_configuration(const LoadedConfiguration& loaded) {
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
  check_web_file(loaded.configuration.web);
  std::cout << "ok\n";
  return EXIT_SUCCESS;
}

// Asks the exporter that was started with this configuration, at its first address.
int print_health(const Configuration& configuration) {
  const std::string& file = configuration.web.config_file;
  const bool tls = !file.empty() && asks_for_tls(file);
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  int status = 0;
  std::string text;
  try {
    const auto addresses = resolve_listen_address(configuration.web.listen_addresses.front());
    status = get_status(addresses.front(), kHealthPath, kHealthTimeout, tls);
    text = status == 200 ? "healthy" : "unhealthy: status " + std::to_string(status);
    if (status == 401) text += ": /-/healthy needs a login (web.health_without_login)";
  } catch (const std::runtime_error& error) {
    text = error.what();
  }
  std::cout << one_line(text) << '\n';
  return status == 200 ? EXIT_SUCCESS : kExitFailed;
}

template <typename Families>
void append_counters(FamilyPatterns& names, const Families& families) {
  for (const auto& family : families) {
    if (family.type == prometheus::MetricType::Counter) names.emplace_back(family.name);
  }
}

// Appends the families that describe this process and those that count since its start, which are
// zeros after one sample. The kernel's counters count since the kernel's start.
void append_families_of_the_process(FamilyPatterns& names) {
  for (const auto& family : exporter_families()) names.emplace_back(family.name);
  append_counters(names, tcp_families());
  append_counters(names, listener_families());
  append_counters(names, sample_families());
}

// Prints one sample of each source, as /metrics would show it; nothing if that of the sockets
// failed. Without `process`, prints only what describes the host.
int print_sample(const Configuration& configuration, bool process) {
  FamilyPatterns excluded = configuration.metrics.exclude;
  if (!process) append_families_of_the_process(excluded);
  Board board;
  Publisher publisher(board, excluded, finding_policy_of(configuration));
  const auto publish = [&](std::shared_ptr<const Samples> samples) {
    publisher.publish(std::move(samples));
  };
  Sampling(kernel_sources(configuration.path), publish)
      .attempt_all(policies_of(configuration), kPatience);
  if (board.latest() == nullptr || board.latest()->tcp.value == nullptr) return kExitFailed;
  const ReloadStatus loaded{true, std::chrono::system_clock::now()};
  Pages::Options options;
  options.exporter_text = [&](const SampleStatuses& statuses, const Findings& findings) {
    const ExporterState state{loaded, read_process_stats(), read_process_start_time()};
    return render(findings, excluded) + render(statuses, excluded) + render(state, excluded);
  };
  std::cout << Pages(board, std::move(options)).metrics_text();
  return EXIT_SUCCESS;
}

int choose_subcommand(const CommandLine& command_line, const Configuration& configuration) {
  switch (command_line.subcommand) {
    case Subcommand::diagnose:
      return diagnose(command_line.report, configuration);
    case Subcommand::top:
      return top(command_line.report, configuration);
    case Subcommand::explain:
    case Subcommand::none:
      break;
  }
  return explain(command_line.report);
}

// An error is one line: who reads a report does not want log lines.
int run_subcommand(const CommandLine& command_line, Configuration configuration) {
  silence_log();
  try {
    enter_network_namespace(command_line.report, configuration);
    const int status = choose_subcommand(command_line, configuration);
    if (flush_standard_output()) return status;
    throw std::runtime_error("standard output cannot be written");
  } catch (const std::runtime_error& error) {
    std::cerr << "sockdiag_exporter: " << printable(error.what()) << '\n';
    return kExitWrongUsage;
  }
}

}  // namespace

Configuration load_configuration(const CommandLine& command_line) {
  Configuration configuration = load_with_origins(command_line).configuration;
  check_web_file(configuration.web);
  return configuration;
}

int run_command(const CommandLine& command_line) {
  const LoadedConfiguration loaded = load_with_origins(command_line);
  if (command_line.config_check) return check_configuration(loaded);
  if (command_line.subcommand != Subcommand::none) {
    return run_subcommand(command_line, loaded.configuration);
  }
  set_up_logging(loaded.configuration.log);
  if (command_line.health) return print_health(loaded.configuration);
  return print_sample(loaded.configuration, command_line.once_process);
}

}  // namespace sockdiag
