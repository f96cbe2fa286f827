// SPDX-License-Identifier: Apache-2.0

// What the ports of a host share: local ports, memory and the kernel's limits. And queues whose
// bytes stand.

#include <algorithm>
#include <numeric>

#include "rules.hpp"

namespace sockdiag {
namespace {

using enum KernelValue;

// bind() takes a port of its own for each socket. connect() lets destinations share them, so a
// proxy that uses nearly every port and is well has more sockets than ports.
constexpr double kSocketsPerBoundPort = 1.1;
constexpr double kHiddenGrowth = 200;

double outbound_sockets(const Evidence& evidence) {
  double sockets = 0;
  for (const Port& port : evidence.outbound) {
    sockets += std::accumulate(port.now.sockets.begin(), port.now.sockets.end(), 0.0);
  }
  return sockets;
}

double outbound_time_waits(const Evidence& evidence) {
  double sockets = 0;
  for (const Port& port : evidence.outbound) sockets += port.sockets(TcpState::time_wait);
  return sockets;
}

struct PortUse {
  double used = 0;
  double ratio = 0;  // the least over the window
  bool of_all_destinations = false;
};

PortUse port_use(const Evidence& evidence) {
  const EphemeralPortUse& use = evidence.tcp->ephemeral;
  const double busiest = use.busiest.empty() ? 0 : use.busiest.front().ephemeral_ports;
  const PortUse of_one{busiest, evidence.history.busiest_ports(), false};
  const auto local = static_cast<double>(use.local_ports_used.value_or(0));
  const PortUse of_all{local, evidence.history.local_ports(), true};
  if (of_one.ratio > evidence.policy.ephemeral_ports) return of_one;
  return outbound_sockets(evidence) > kSocketsPerBoundPort * local ? of_one : of_all;
}

// Returns the severity, or nothing if there is no shortage.
std::optional<Severity> memory_severity(const Evidence& evidence, double used, double bytes) {
  const FindingPolicy& policy = evidence.policy;
  if (evidence.steady_rate(aborts_on_memory) > policy.aborts) return Severity::critical;
  if (used > policy.tcp_memory) return Severity::warning;
  const auto pressure = evidence.latest(memory_pressure_bytes);
  const bool pressed = pressure ? bytes >= *pressure : used >= policy.tcp_memory_pressure;
  return pressed ? std::optional(Severity::info) : std::nullopt;
}

}  // namespace

void check_ports_short(const Evidence& evidence, Report& report) {
  const PortUse use = port_use(evidence);
  if (use.ratio <= evidence.policy.ephemeral_ports) return;
  const bool critical = use.ratio > evidence.policy.ephemeral_ports_critical;
  std::vector<Measure> seen = {
      {"used", use.used},
      {"available", static_cast<double>(*evidence.tcp->ephemeral.available)},
      {"used_ratio", use.ratio},
      {"time_wait", outbound_time_waits(evidence)}};
  if (use.of_all_destinations) seen.push_back({"scope_all", 1});
  report.add(critical ? Severity::critical : Severity::warning, std::move(seen));
}

// A service that takes uploads as fast as its disk goes always has bytes queued, but other ones
// from moment to moment: the sum moves.
void check_receive_queue_stuck(const Evidence& evidence, Report& report) {
  evidence.for_each_port([&](const Port& port) {
    const auto bytes = port.past.stuck_receive_queue(port.times());
    if (!bytes || *bytes < evidence.policy.queue_bytes) return;
    if (port.now.accept_queue.utilization >= 0.5) return;  // it may wait for accept()
    report.add(Severity::warning, port, {{"bytes", *bytes}});
  });
}

void check_send_queue_stuck(const Evidence& evidence, Report& report) {
  evidence.for_each_port([&](const Port& port) {
    const auto bytes = port.past.stuck_send_queue(port.times());
    if (!bytes || *bytes < evidence.policy.queue_bytes) return;
    const double sockets = port.past.most_senders(port.times());
    if (*bytes < evidence.policy.send_queue_socket_bytes * sockets) return;
    report.add(Severity::info, port, {{"bytes", *bytes}, {"sockets", sockets}});
  });
}

void check_orphans(const Evidence& evidence, Report& report) {
  const auto orphans =
      evidence.history.kernel().least(KernelValue::orphaned_sockets, Times::kWindow);
  const double limit = *evidence.latest(orphans_limit);
  if (!orphans || limit <= 0 || *orphans / limit <= evidence.policy.orphans) return;
  report.add(Severity::warning,
             {{"orphans", *orphans}, {"limit", limit}, {"used_ratio", *orphans / limit}});
}

void check_tcp_memory(const Evidence& evidence, Report& report) {
  const auto bytes = evidence.history.kernel().least(memory_bytes, Times::kWindow);
  const double limit = *evidence.latest(memory_limit_bytes);
  if (!bytes || limit <= 0) return;
  const auto severity = memory_severity(evidence, *bytes / limit, *bytes);
  if (!severity) return;
  std::vector<Measure> seen = {
      {"bytes", *bytes}, {"limit_bytes", limit}, {"used_ratio", *bytes / limit}};
  const double aborts = evidence.steady_rate(aborts_on_memory);
  if (aborts > evidence.policy.aborts) seen.push_back({"aborts_per_second", aborts});
  report.add(*severity, std::move(seen));
}

// The kernel counts the sockets of all network namespaces: a host of containers always hides many.
// Only growth that never pauses tells.
void check_sockets_hidden(const Evidence& evidence, Report& report) {
  const double hidden = hidden_sockets(*evidence.tcp, *evidence.latest(allocated_sockets));
  const auto growth = evidence.history.hidden_growth();
  if (hidden < evidence.policy.hidden_sockets || !growth || *growth < kHiddenGrowth) return;
  report.add(Severity::info, {{"hidden", hidden}, {"growth", *growth}});
}

}  // namespace sockdiag
