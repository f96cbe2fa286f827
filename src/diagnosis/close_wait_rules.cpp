// SPDX-License-Identifier: Apache-2.0

// CLOSE_WAIT: the peer has closed, and the application here has not. As many must linger as the
// finding speaks of: connections that come and go are young. Half-closed ones that are still served
// do not count.

#include "rules.hpp"

namespace sockdiag {
namespace {

std::vector<Measure> measures_of(const Evidence& evidence, const Port& port, double sockets,
                                 double lingering) {
  return {{"sockets", sockets},
          {"lingering", lingering},
          {"threshold_seconds", evidence.threshold_seconds(TcpState::close_wait)},
          {"oldest_seconds", port.oldest_seconds(TcpState::close_wait)}};
}

// Returns nothing if fewer than `least` have this cause or linger.
std::optional<std::vector<Measure>> pile(const Evidence& evidence, const Port& port,
                                         CloseWaitKind kind, double least) {
  const double sockets = port.close_wait(kind);
  const double lingering = port.lingering_close_wait(kind);
  if (sockets < least || lingering < least) return std::nullopt;
  return measures_of(evidence, port, sockets, lingering);
}

void look_for_piles(const Evidence& evidence, const std::vector<Port>& ports, CloseWaitKind kind,
                    double least, Severity severity, Report& report) {
  for (const Port& port : ports) {
    if (auto seen = pile(evidence, port, kind, least)) report.add(severity, port, std::move(*seen));
  }
}

// Leaks end in a process without descriptors: those that grow are told as more severe.
void look_for_leaks(const Evidence& evidence, const std::vector<Port>& ports, double least,
                    Severity growing, Report& report) {
  for (const Port& port : ports) {
    auto seen = pile(evidence, port, CloseWaitKind::leaked, least);
    if (!seen) continue;
    const bool many = seen->front().value >= evidence.policy.close_wait_growing;
    const auto before = port.past.leaked_before(evidence.policy.close_wait_growth, port.times());
    const bool grows = many && before;
    if (grows) seen->push_back({"before", *before});
    report.add(grows ? growing : Severity::warning, port, std::move(*seen));
  }
}

}  // namespace

void check_cw_in_not_closed(const Evidence& evidence, Report& report) {
  look_for_leaks(evidence, evidence.inbound, evidence.policy.close_wait_inbound, Severity::critical,
                 report);
}

void check_cw_in_unread(const Evidence& evidence, Report& report) {
  look_for_piles(evidence, evidence.inbound, CloseWaitKind::unread,
                 evidence.policy.close_wait_inbound, Severity::warning, report);
}

void check_cw_in_not_accepted(const Evidence& evidence, Report& report) {
  look_for_piles(evidence, evidence.inbound, CloseWaitKind::not_accepted,
                 evidence.policy.close_wait_inbound, Severity::warning, report);
}

void check_cw_out_unread_eof(const Evidence& evidence, Report& report) {
  look_for_piles(evidence, evidence.outbound, CloseWaitKind::unread,
                 evidence.policy.close_wait_outbound, Severity::info, report);
}

void check_cw_out_leak(const Evidence& evidence, Report& report) {
  look_for_leaks(evidence, evidence.outbound, evidence.policy.close_wait_outbound,
                 Severity::warning, report);
}

}  // namespace sockdiag
