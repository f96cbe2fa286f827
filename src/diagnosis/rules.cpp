// SPDX-License-Identifier: Apache-2.0
#include "rules.hpp"

#include <algorithm>
#include <array>

namespace sockdiag {
namespace {

using enum FindingId;
using enum KernelValue;

template <typename... Values>
constexpr std::uint32_t bits(Values... values) {
  return ((1U << index_of(values)) | ... | 0U);
}

constexpr Needs kSockets{};
constexpr Needs kAges{.cookies = true};
constexpr Needs kPorts{.ephemeral = true, .host = true};
constexpr Needs kNothing{.sockets = false, .host = true};

constexpr Needs ages_and(std::uint32_t values) { return {.cookies = true, .values = values}; }
constexpr Needs sockets_and(std::uint32_t values) { return {.values = values}; }
constexpr Needs only(std::uint32_t values) {
  return {.sockets = false, .values = values, .host = true};
}
constexpr Needs host(Needs needs) {
  needs.host = true;
  return needs;
}
constexpr Needs watched(std::chrono::seconds watch, Needs needs) {
  needs.watch = watch;
  return needs;
}

constexpr std::chrono::seconds kTwoReadings{5};
constexpr std::chrono::seconds kSteadyRate{30};
constexpr std::chrono::minutes kStanding{3};
constexpr std::chrono::minutes kGrowing{16};

constexpr auto kRules = std::to_array<Rule>({
    {cw_in_not_closed, kAges, check_cw_in_not_closed},
    {cw_in_unread, kAges, check_cw_in_unread},
    {cw_in_not_accepted, kAges, check_cw_in_not_accepted},
    {cw_out_unread_eof, kAges, check_cw_out_unread_eof},
    {cw_out_leak, kAges, check_cw_out_leak},
    {close_unacked, watched(kTwoReadings, ages_and(bits(active_opens, passive_opens))),
     check_close_unacked},
    {acceptq_full, kSockets, check_acceptq_full},
    {acceptq_bursts, kSockets, check_acceptq_bursts},
    {syn_flood,
     watched(kSteadyRate,
             sockets_and(bits(listen_overflows, passive_opens, request_queue_full_cookies))),
     check_syn_flood},
    {syn_backlog_short, watched(kSteadyRate, sockets_and(bits(cookies_sent, passive_opens))),
     check_syn_backlog_short},
    {syn_unanswered, watched(kTwoReadings, ages_and(bits(passive_opens))), check_syn_unanswered},
    {listener_lost, watched(kSteadyRate, kSockets), check_listener_lost},
    {syn_sent_unanswered, kAges, check_syn_sent_unanswered},
    {connect_refused, watched(kSteadyRate, sockets_and(bits(attempt_failures, active_opens))),
     check_connect_refused},
    {ports_short, kPorts, check_ports_short},
    {tw_server, watched(kSteadyRate, ages_and(bits(passive_opens))), check_tw_server},
    {tw_client, watched(kSteadyRate, kAges), check_tw_client},
    {tw_limit, host(sockets_and(bits(time_wait_limit))), check_tw_limit},
    {fin_wait2_held, kAges, check_fin_wait2_held},
    {receive_queue_stuck, watched(kStanding, kSockets), check_receive_queue_stuck},
    {send_queue_stuck, watched(kStanding, kSockets), check_send_queue_stuck},
    {orphans, only(bits(orphaned_sockets, orphans_limit)), check_orphans},
    {tcp_memory, only(bits(memory_bytes, memory_limit_bytes)), check_tcp_memory},
    {sockets_hidden, host(watched(kGrowing, sockets_and(bits(allocated_sockets)))),
     check_sockets_hidden},
    {blind, kNothing, check_blind},
});
static_assert(kRules.size() == kFindingCount);

}  // namespace

std::span<const Rule> rules() noexcept { return kRules; }

double Port::oldest_seconds(TcpState state) const {
  return std::chrono::duration<double>(now.stays[passing_index_of(state)].oldest).count();
}

Evidence::Evidence(const Samples& published, const FindingPolicy& findings,
                   const History& remembered, History::TimePoint time)
    : samples(published),
      policy(findings),
      history(remembered),
      now(time),
      tcp(samples.tcp.is_fresh(now) ? samples.tcp.value.get() : nullptr),
      listeners(samples.listeners.is_fresh(now) ? samples.listeners.value.get() : nullptr),
      has_kernel(samples.kernel.is_fresh(now)) {
  if (tcp == nullptr) return;
  for (const Direction direction : kDirections) {
    auto& ports = direction == Direction::inbound ? inbound : outbound;
    const DirectionCounts& counts = tcp->of(direction);
    const auto& past = history.ports(direction);
    ports.reserve(past.size());
    for (std::size_t i = 0; i < past.size(); ++i) {
      const PortCounts& port = i < counts.ports.size() ? counts.ports[i] : counts.other;
      ports.emplace_back(direction, port, past[i], history.times());
    }
  }
}

std::optional<double> Evidence::latest(KernelValue value) const {
  return has_kernel ? history.kernel().latest(value) : std::nullopt;
}

std::optional<Growth> Evidence::growth(KernelValue value) const {
  return has_kernel ? history.kernel().growth(value) : std::nullopt;
}

std::optional<double> Evidence::rate(KernelValue value) const {
  const auto grown = growth(value);
  if (!grown) return std::nullopt;
  return grown->per_second();
}

double Evidence::steady_rate(KernelValue value) const {
  const auto grown = growth(value);
  return grown ? grown->steady_per_second() : 0;
}

std::optional<double> Evidence::busiest_rate(KernelValue value) const {
  return has_kernel ? history.kernel().busiest_rate(value) : std::nullopt;
}

const ListenerCounts* Evidence::listener(std::uint16_t port) const {
  if (listeners == nullptr) return nullptr;
  if (port == 0) return &listeners->other;
  const auto found = std::find_if(listeners->ports.begin(), listeners->ports.end(),
                                  [&](const ListenerCounts& each) { return each.port == port; });
  return found != listeners->ports.end() ? &*found : nullptr;
}

double Evidence::threshold_seconds(TcpState state) const {
  return std::chrono::duration<double>(tcp->lingering_thresholds[passing_index_of(state)]).count();
}

}  // namespace sockdiag
