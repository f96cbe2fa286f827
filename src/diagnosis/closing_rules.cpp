// SPDX-License-Identifier: Apache-2.0

// Connections that this host closes: FINs without an ACK, peers that do not close in turn, and what
// TIME_WAIT tells of who closes first.

#include <algorithm>

#include "rules.hpp"

namespace sockdiag {
namespace {

// A slow download also waits in FIN_WAIT1, with the rest of the answer in its send queue.
bool are_downloads(const Evidence& evidence, const Port& port, double fin_wait1) {
  return static_cast<double>(port.now.send_queue_bytes) >=
         evidence.policy.send_queue_socket_bytes * fin_wait1;
}

// The state in which most linger.
TcpState worst_of(double fin_wait1, double last_ack, double closing) {
  if (fin_wait1 >= std::max(last_ack, closing)) return TcpState::fin_wait1;
  return last_ack >= closing ? TcpState::last_ack : TcpState::closing;
}

std::vector<Measure> starts_of(const Port& port, double starts) {
  return {{"starts_per_second", starts}, {"time_wait", port.sockets(TcpState::time_wait)}};
}

double steady_starts_of(const Port& port) {
  const auto starts = port.past.time_wait_starts(port.now.time_wait_started, port.times());
  return starts ? starts->steady_per_second() : 0;
}

}  // namespace

// Clients vanish from a healthy host, too: such a share of all is normal.
void check_close_unacked(const Evidence& evidence, Report& report) {
  const FindingPolicy& policy = evidence.policy;
  evidence.for_each_port([&](const Port& port) {
    const double fin_wait1 = port.lingering(TcpState::fin_wait1);
    const double last_ack = port.lingering(TcpState::last_ack);
    const double closing = port.lingering(TcpState::closing);
    const KernelValue opened = port.direction == Direction::inbound ? KernelValue::passive_opens
                                                                    : KernelValue::active_opens;
    const auto opens = evidence.busiest_rate(opened);
    const auto is_too_many = [&](double lingering) {
      return opens && lingering >= policy.unacknowledged &&
             lingering > policy.unacknowledged_opens * *opens;
    };
    const bool unacknowledged =
        is_too_many(last_ack) ||
        (is_too_many(fin_wait1) && !are_downloads(evidence, port, fin_wait1));
    if (!unacknowledged && closing < policy.closing) return;
    const TcpState worst = worst_of(fin_wait1, last_ack, closing);
    report.add(Severity::warning, port,
               {{"fin_wait1", fin_wait1},
                {"last_ack", last_ack},
                {"closing", closing},
                {"threshold_seconds", evidence.threshold_seconds(worst)},
                {"opens_per_second", evidence.rate(opened).value_or(0)}});
  });
}

// The kernel ends orphans by itself.
void check_fin_wait2_held(const Evidence& evidence, Report& report) {
  evidence.for_each_port([&](const Port& port) {
    const double lingering =
        std::max(0.0, port.lingering(TcpState::fin_wait2) - port.now.orphaned_fin_wait2);
    if (lingering < evidence.policy.fin_wait2) return;
    report.add(Severity::warning, port,
               {{"lingering", lingering},
                {"threshold_seconds", evidence.threshold_seconds(TcpState::fin_wait2)},
                {"oldest_seconds", port.oldest_seconds(TcpState::fin_wait2)}});
  });
}

// The kernel counts the opens of all ports together.
void check_tw_server(const Evidence& evidence, Report& report) {
  const auto opens = evidence.rate(KernelValue::passive_opens);
  if (!opens) return;
  double all = 0;
  for (const Port& port : evidence.inbound) all += steady_starts_of(port);
  if (all < evidence.policy.time_wait_share * *opens) return;
  for (const Port& port : evidence.inbound) {
    const double starts = steady_starts_of(port);
    if (starts < evidence.policy.time_wait_rate) continue;
    auto seen = starts_of(port, starts);
    seen.push_back({"passive_opens_per_second", *opens});
    report.add(Severity::info, port, std::move(seen));
  }
}

void check_tw_client(const Evidence& evidence, Report& report) {
  for (const Port& port : evidence.outbound) {
    const double starts = steady_starts_of(port);
    if (starts < evidence.policy.time_wait_rate) continue;
    report.add(Severity::info, port, starts_of(port, starts));
  }
}

// The kernel counts FIN_WAIT2 that no process holds among the TIME_WAITs.
void check_tw_limit(const Evidence& evidence, Report& report) {
  double sockets = static_cast<double>(total_of(*evidence.tcp, TcpState::time_wait));
  evidence.for_each_port([&](const Port& port) { sockets += port.now.orphaned_fin_wait2; });
  const double limit = *evidence.latest(KernelValue::time_wait_limit);
  const double used = limit > 0 ? sockets / limit : 0;
  const double overflows = evidence.steady_rate(KernelValue::time_wait_overflows);
  const bool overflowing = overflows > evidence.policy.time_wait_overflows;
  if (used <= evidence.policy.time_wait_limit && !overflowing) return;
  std::vector<Measure> seen = {{"sockets", sockets}, {"limit", limit}, {"used_ratio", used}};
  if (overflowing) seen.push_back({"overflows_per_second", overflows});
  report.add(Severity::warning, std::move(seen));
}

}  // namespace sockdiag
