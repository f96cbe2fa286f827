// SPDX-License-Identifier: Apache-2.0

// Handshakes that are not completed, in both directions.

#include <algorithm>

#include "rules.hpp"

namespace sockdiag {
namespace {

using enum KernelValue;

// A service that accepts too slowly fills its request queue, too: its SYNs are dropped for the
// accept queue. That many times as many must be dropped for the request queue, or become no
// connection.
constexpr double kMoreThanAccepted = 2;
// On a quiet port a few lossy clients may be all there are.
constexpr std::uint32_t kFewRetransmitting = 16;
// An unanswered SYN stays for two minutes after it is old: so many seconds of connections begun are
// a third of them.
constexpr double kUnansweredOpens = 36;
// Failures of what other hosts began count as well; more than were begun here are no refusals.
constexpr double kAllRefused = 1.1;

double request_queue_full(const Evidence& evidence) {
  return evidence.steady_rate(request_queue_full_cookies) +
         evidence.steady_rate(request_queue_full_drops);
}

bool has_full_request_queue(const Evidence& evidence) {
  const double full = request_queue_full(evidence);
  return full > evidence.policy.request_queue_full &&
         full > kMoreThanAccepted * evidence.rate(listen_overflows).value_or(0);
}

// Returns the port on which most handshakes have had to repeat their SYN-ACK, or null.
const Port* flooded_port(const Evidence& evidence) {
  const Port* worst = nullptr;
  for (const Port& port : evidence.inbound) {
    const std::uint32_t retransmitting = port.now.retransmitting_syn_recv;
    const bool is_flooded = retransmitting >= kFewRetransmitting &&
                            retransmitting > 0.5 * port.sockets(TcpState::syn_recv);
    if (!is_flooded) continue;
    if (worst == nullptr || retransmitting > worst->now.retransmitting_syn_recv) worst = &port;
  }
  return worst;
}

bool is_flood(const Evidence& evidence) {
  const auto opens = evidence.rate(passive_opens);
  if (!opens || !has_full_request_queue(evidence)) return false;
  return request_queue_full(evidence) > kMoreThanAccepted * *opens ||
         flooded_port(evidence) != nullptr;
}

// With net.ipv4.tcp_syncookies=2 every connection has had a cookie, and no handshake waits.
bool may_send_cookies_always(const Evidence& evidence, double cookies, double opens) {
  return opens <= 1.1 * cookies && !evidence.history.has_seen_syn_recv();
}

}  // namespace

void check_syn_flood(const Evidence& evidence, Report& report) {
  if (!is_flood(evidence)) return;
  std::vector<Measure> seen = {
      {"queue_full_per_second", request_queue_full(evidence)},
      {"cookies_per_second", evidence.steady_rate(cookies_sent)},
      {"passive_opens_per_second", evidence.rate(passive_opens).value_or(0)}};
  const Port* port = flooded_port(evidence);
  if (port == nullptr) {
    report.add(Severity::critical, std::move(seen));
    return;
  }
  seen.push_back({"retransmitting", static_cast<double>(port->now.retransmitting_syn_recv)});
  report.add(Severity::critical, *port, std::move(seen));
}

void check_syn_backlog_short(const Evidence& evidence, Report& report) {
  const double cookies = evidence.steady_rate(cookies_sent);
  const auto opens = evidence.growth(passive_opens);
  if (!opens || cookies <= evidence.policy.request_queue_full || is_flood(evidence)) return;
  const double opened = opens->steady_per_second();
  if (opened < cookies / kMoreThanAccepted) return;
  if (cookies <= kMoreThanAccepted * evidence.steady_rate(listen_overflows)) return;
  if (may_send_cookies_always(evidence, cookies, opened)) return;
  report.add(Severity::warning,
             {{"cookies_per_second", cookies}, {"passive_opens_per_second", opened}});
}

// The SYN-ACKs must have been sent again: with TCP_DEFER_ACCEPT a client that has not sent its
// request stays in SYN_RECV without.
void check_syn_unanswered(const Evidence& evidence, Report& report) {
  const FindingPolicy& policy = evidence.policy;
  const auto opens = evidence.busiest_rate(passive_opens);
  if (!opens || has_full_request_queue(evidence)) return;
  if (evidence.steady_rate(cookies_sent) > policy.request_queue_full) return;
  for (const Port& port : evidence.inbound) {
    const double lingering = port.lingering(TcpState::syn_recv);
    const double repeated = std::min<double>(lingering, port.past.retransmitting(port.times()));
    if (repeated < policy.syn_recv || repeated <= policy.syn_recv_opens * *opens) continue;
    if (port.now.accept_queue.utilization >= 0.5) continue;
    const bool many = repeated >= policy.syn_recv_warning;
    report.add(many ? Severity::warning : Severity::info, port,
               {{"lingering", lingering},
                {"threshold_seconds", evidence.threshold_seconds(TcpState::syn_recv)},
                {"prefixes", static_cast<double>(port.now.syn_recv_prefixes)},
                {"passive_opens_per_second", evidence.rate(passive_opens).value_or(0)}});
  }
}

// Mail relays and crawlers have many, beside many established connections to the same port. A peer
// that is dead shows as a port without one; a rare port of a crawler has none either.
void check_syn_sent_unanswered(const Evidence& evidence, Report& report) {
  const double least = evidence.policy.syn_sent;
  const auto opens = evidence.busiest_rate(active_opens);
  evidence.for_each_port([&](const Port& port) {
    const double lingering = port.lingering(TcpState::syn_sent);
    const double established = port.past.most_established(port.times());
    const bool are_many = opens && lingering >= least && lingering > kUnansweredOpens * *opens &&
                          lingering > established;
    const bool is_dead = established == 0 && lingering >= 2 * least;
    if (!are_many && !is_dead) return;
    report.add(Severity::warning, port,
               {{"lingering", lingering},
                {"threshold_seconds", evidence.threshold_seconds(TcpState::syn_sent)},
                {"oldest_seconds", port.oldest_seconds(TcpState::syn_sent)}});
  });
}

// Incoming handshakes that a reset ended, as health checks and scanners do, count both ways.
void check_connect_refused(const Evidence& evidence, Report& report) {
  const FindingPolicy& policy = evidence.policy;
  const double failures =
      evidence.steady_rate(attempt_failures) - evidence.steady_rate(embryonic_resets);
  const double opens = evidence.steady_rate(active_opens);
  if (failures <= policy.attempt_failures) return;
  if (failures <= policy.attempt_failures_share * opens || failures > kAllRefused * opens) return;
  double unanswered = 0;
  evidence.for_each_port(
      [&](const Port& port) { unanswered += port.lingering(TcpState::syn_sent); });
  if (unanswered >= policy.syn_sent) return;
  report.add(Severity::warning,
             {{"failures_per_second", failures}, {"active_opens_per_second", opens}});
}

}  // namespace sockdiag
