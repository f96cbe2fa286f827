// SPDX-License-Identifier: Apache-2.0

// Accept queues, and ports at which nothing listens any more.

#include <algorithm>

#include "rules.hpp"

namespace sockdiag {
namespace {

using std::chrono::minutes;

// Fewer that wait may be what a busy service always has.
constexpr double kManyWaiting = 10;

// Of a shorter queue, one connection that waits is a large share.
constexpr double kShortQueue = 10;

// An ordinary restart takes less, also of a fleet one by one.
constexpr std::chrono::seconds kRestart{30};
constexpr std::uint32_t kLostSamples = 2;
// What an unnamed port must have listened for: tests and data connections come and go.
constexpr minutes kSteadyListener{5};
// A port that is named and has been without any socket for this time has lost its listener before.
constexpr minutes kIdle{15};
// Services that take a new port at every start leave an old one each time.
constexpr PortRange kDefaultEphemeral{32768, 60999};

double limit_of(const Port& port) { return static_cast<double>(port.now.accept_queue.limit); }

// A queue is full above 1: it holds one more than its limit.
bool is_full_throughout(const Port& port) { return port.past.least_utilization(port.times()) > 1; }

bool is_full(const Evidence& evidence, const Port& port) {
  if (port.sockets(TcpState::listen) == 0) return false;
  if (limit_of(port) < kShortQueue) {
    return port.is_known_for_a_while() && is_full_throughout(port);
  }
  if (!port.is_known_for_a_while()) return is_full_throughout(port);
  return port.past.mean_utilization(port.times()) >= evidence.policy.accept_queue;
}

// Returns what the kernel drops at the port, per second, or 0 if it is not certain. A listener's
// own counter also counts what is no loss, so the host's must grow as well.
double drops_of(const Evidence& evidence, const Port& port) {
  const ListenerCounts* listener = evidence.listener(port.now.port);
  if (listener == nullptr || !listener->drops) return 0;
  const auto drops = port.past.drops(*listener->drops, evidence.now, port.times());
  const double least = evidence.policy.listener_drops;
  if (!drops || drops->steady_per_second() <= least) return 0;
  return evidence.steady_rate(KernelValue::listen_drops) > least ? drops->steady_per_second() : 0;
}

// Nothing is accepted at the port, whether its queue is full or not. Clients that gave up are a
// finding of their own.
bool is_stalled(const Port& port) {
  constexpr std::size_t kGaveUp = index_of(CloseWaitCause::not_accepted);
  const auto waiting =
      static_cast<double>(port.now.accept_queue.length) - port.now.close_wait_causes[kGaveUp];
  return port.sockets(TcpState::listen) > 0 && waiting >= kManyWaiting &&
         port.past.accept_queue_stands(kManyWaiting, port.times());
}

// Nothing at all is accepted, on the whole host.
bool is_stuck(const Evidence& evidence, const Port& port) {
  if (is_stalled(port)) return true;
  const auto opens = evidence.rate(KernelValue::passive_opens);
  return port.is_known_for_a_while() && is_full_throughout(port) && opens && *opens < 0.1;
}

void add_drops(std::vector<Measure>& seen, double drops) {
  if (drops > 0) seen.push_back({"drops_per_second", drops});
}

bool is_named(const FindingPolicy& policy, std::uint16_t port) {
  const auto& ranges = policy.expected_listeners.ranges();
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const PortRange& range) { return range.contains(port); });
}

bool has_lost_listener(const PortHistory::Loss& loss, bool named, std::uint16_t port) {
  if (loss.samples < kLostSamples || loss.lost_for < kRestart) return false;
  return named || (loss.listened >= kSteadyListener && !kDefaultEphemeral.contains(port));
}

}  // namespace

void check_acceptq_full(const Evidence& evidence, Report& report) {
  for (const Port& port : evidence.inbound) {
    if (!is_full(evidence, port) && !is_stalled(port)) continue;
    const double drops = drops_of(evidence, port);
    std::vector<Measure> seen = {{"length", static_cast<double>(port.now.accept_queue.length)},
                                 {"limit", limit_of(port)},
                                 {"utilization_ratio", port.past.mean_utilization(port.times())}};
    add_drops(seen, drops);
    if (is_stuck(evidence, port)) seen.push_back({"stuck", 1});
    report.add(drops > 0 ? Severity::critical : Severity::warning, port, std::move(seen));
  }
}

void check_acceptq_bursts(const Evidence& evidence, Report& report) {
  for (const Port& port : evidence.inbound) {
    const ListenerCounts* listener = evidence.listener(port.now.port);
    if (listener == nullptr || port.sockets(TcpState::listen) == 0) continue;
    const auto peak = static_cast<double>(listener->accept_queue_peak);
    // The peak may be of a listener before, with another limit.
    const auto limit = static_cast<double>(port.past.accept_limit(port.times()));
    const double drops = drops_of(evidence, port);
    if (peak <= limit || port.now.accept_queue.utilization >= 0.5) continue;
    if (is_full(evidence, port) || (limit < kShortQueue && drops == 0)) continue;
    std::vector<Measure> seen = {{"peak", peak}, {"limit", limit}};
    add_drops(seen, drops);
    report.add(drops > 0 ? Severity::warning : Severity::info, port, std::move(seen));
  }
}

void check_listener_lost(const Evidence& evidence, Report& report) {
  for (const Port& port : evidence.inbound) {
    if (port.now.port == 0 || port.sockets(TcpState::listen) > 0) continue;
    const bool named = is_named(evidence.policy, port.now.port);
    const auto loss = port.past.listener_loss(port.times());
    if (loss && has_lost_listener(*loss, named, port.now.port)) {
      report.add(named ? Severity::critical : Severity::warning, port,
                 {{"lost_seconds", std::chrono::duration<double>(loss->lost_for).count()}});
    } else if (!loss && named && port.past.idle(port.times()) >= kIdle) {
      report.add(Severity::info, port, {});
    }
  }
}

}  // namespace sockdiag
