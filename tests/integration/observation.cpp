// SPDX-License-Identifier: Apache-2.0
#include "observation.hpp"

#include <cstdlib>
#include <stdexcept>

#include "expected_counts.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

constexpr int kLooks = 50;

std::string exporter_path() {
  const char* path = std::getenv("SOCKDIAG_EXPORTER");
  if (path == nullptr) throw std::runtime_error("SOCKDIAG_EXPORTER does not name the exporter");
  return path;
}

Exposition expose(const ExporterOptions& options) {
  const Finished finished = run_exporter(options);
  if (finished.exit_status != 0) {
    throw std::runtime_error("the exporter ended with status " +
                             std::to_string(finished.exit_status) + ", signal " +
                             std::to_string(finished.signal) + ": " + finished.errors);
  }
  return Exposition::parse(finished.output);
}

// Counters and sockets of the kernel at one moment, comparable.
struct Kernel {
  std::vector<SocketRow> proc = read_proc_net_tcp();
  Sockstat sockstat = read_sockstat();

  bool operator==(const Kernel&) const = default;
};

// Request sockets are in none of the kernel's totals.
void check_sockstat(const Observation& observation) {
  const Exposition& exposition = observation.exposition;
  const Sockstat& sockstat = observation.sockstat;
  const double requests = exposition.sum("sockdiag_tcp_sockets", {{"state", "syn_recv"}});
  const double total = exposition.sum("sockdiag_tcp_sockets");
  CHECK(total - requests ==
        static_cast<double>(sockstat.tcp_in_use + sockstat.tcp6_in_use + sockstat.time_wait));
  CHECK(exposition.value("sockdiag_tcp_unaccounted_sockets") == 0);
}

void check_totals(const Observation& observation) {
  const Exposition& exposition = observation.exposition;
  const auto rows = static_cast<double>(observation.proc.size());
  CHECK(exposition.sum("sockdiag_tcp_sockets") == rows);
  CHECK(exposition.sum("sockdiag_tcp_family_sockets") == rows);
  CHECK(exposition.value("sockdiag_sample_sockets", {{"source", "tcp"}}) == rows);
  CHECK(exposition.value("sockdiag_sample_unknown_state_sockets", {{"source", "tcp"}}) == 0);
  CHECK(exposition.value("sockdiag_sample_success", {{"source", "tcp"}}) == 1);
}

void check_counts(const Exposition& exposition, const std::vector<SocketRow>& rows) {
  CHECK(differences(exported_sockets(exposition), expected_sockets(rows)) == "");
  CHECK(differences(exported_family_sockets(exposition), expected_family_sockets(rows)) == "");
  CHECK(differences(exported_receive_bytes(exposition), expected_receive_bytes(rows)) == "");
  CHECK(differences(exported_send_bytes(exposition), expected_send_bytes(rows)) == "");
}

void check_owners(const Exposition& exposition, const std::vector<SocketRow>& rows) {
  CHECK(differences(exported_close_waits(exposition), expected_close_waits(rows)) == "");
  CHECK(differences(exported_orphaned_fin_wait2(exposition), expected_orphaned_fin_wait2(rows)) ==
        "");
}

}  // namespace

Finished run_exporter(const ExporterOptions& options) {
  const TemporaryDirectory directory;
  Command command;
  command.unprivileged = options.unprivileged;
  command.arguments = {options.unprivileged ? directory.copy(exporter_path()) : exporter_path(),
                       "--once"};
  if (!options.configuration.empty()) {
    const std::string file = directory.write("configuration.yml", options.configuration);
    command.arguments.push_back("--config.file=" + file);
  }
  return run(command);
}

Observation observe(const ExporterOptions& options) {
  for (int look = 0; look < kLooks; ++look) {
    const Kernel before;
    Exposition exposition = expose(options);
    std::vector<SocketRow> ss = read_ss();
    if (Kernel() == before) {
      return {std::move(exposition), before.proc, std::move(ss), before.sockstat};
    }
  }
  throw std::runtime_error("the sockets of this namespace do not come to rest");
}

void check_agreement(const Observation& observation) {
  CHECK(identities(observation.proc) == identities(observation.ss));
  {
    INFO("left: the exporter, right: ss");
    check_counts(observation.exposition, observation.ss);
  }
  {
    INFO("left: the exporter, right: /proc/thread-self/net/tcp and tcp6");
    const auto rows = with_v6only(observation.proc, observation.ss);
    check_counts(observation.exposition, rows);
    check_owners(observation.exposition, rows);
  }
  check_totals(observation);
  check_sockstat(observation);
}

}  // namespace sockdiag::test
