// SPDX-License-Identifier: Apache-2.0
#include "history.hpp"

#include <algorithm>
#include <utility>

namespace sockdiag {
namespace {

// A host that is short of CPU holds up samples for seconds.
constexpr std::chrono::seconds kBusyHost{10};

std::chrono::nanoseconds interval_of(const SampleStatuses& statuses, std::string_view source) {
  const SampleStatus* status = status_of(statuses, source);
  return status != nullptr ? status->interval : std::chrono::nanoseconds{};
}

std::optional<std::uint64_t> drops_of(const ListenerSnapshot* listeners, std::uint16_t port) {
  if (listeners == nullptr) return std::nullopt;
  if (port == 0) return listeners->other.drops;
  const auto& ports = listeners->ports;
  const auto found = std::lower_bound(
      ports.begin(), ports.end(), port,
      [](const ListenerCounts& counts, std::uint16_t wanted) { return counts.port < wanted; });
  return found != ports.end() && found->port == port ? found->drops : std::nullopt;
}

bool has_others(const std::vector<PortHistory>& histories) {
  return !histories.empty() && histories.back().port() == 0;
}

// Other ports are not remembered before they have a socket: most namespaces have none.
bool needs_others(const DirectionCounts& counts, const std::vector<PortHistory>& before) {
  const StateCounts& others = counts.other.sockets;
  return has_others(before) ||
         std::any_of(others.begin(), others.end(), [](std::uint32_t count) { return count > 0; });
}

// Returns histories of the ports of `counts`, of which those in `before` go on. Both are ascending.
// Throws std::bad_alloc, and then leaves `before` unchanged.
std::vector<PortHistory> carry_over(const DirectionCounts& counts,
                                    std::vector<PortHistory>& before) {
  const bool others = needs_others(counts, before);
  std::vector<PortHistory> histories;
  histories.reserve(counts.ports.size() + (others ? 1U : 0U));
  auto known = before.begin();
  for (const PortCounts& port : counts.ports) {
    while (known != before.end() && known->port() != 0 && known->port() < port.port) ++known;
    const bool goes_on = known != before.end() && known->port() == port.port;
    histories.push_back(goes_on ? std::move(*known) : PortHistory(port.port));
  }
  if (others) {
    histories.push_back(has_others(before) ? std::move(before.back()) : PortHistory(0));
  }
  return histories;
}

bool has_same_ports(const DirectionCounts& counts, const std::vector<PortHistory>& histories) {
  const std::size_t others = has_others(histories) ? 1 : 0;
  return needs_others(counts, histories) == has_others(histories) &&
         counts.ports.size() + others == histories.size() &&
         std::equal(counts.ports.begin(), counts.ports.end(), histories.begin(),
                    [](const PortCounts& port, const PortHistory& history) {
                      return port.port == history.port();
                    });
}

// Returns the counts of the history at `index`.
const PortCounts& counts_at(const DirectionCounts& counts, std::size_t index) {
  return index < counts.ports.size() ? counts.ports[index] : counts.other;
}

double share(std::size_t used, std::size_t available) {
  return available > 0 ? static_cast<double>(used) / static_cast<double>(available) : 0;
}

}  // namespace

const SampleStatus* status_of(const SampleStatuses& statuses, std::string_view source) noexcept {
  const auto found = std::find_if(statuses.begin(), statuses.end(),
                                  [&](const SampleStatus& each) { return each.source == source; });
  return found != statuses.end() ? &*found : nullptr;
}

std::uint64_t total_of(const TcpSnapshot& snapshot, TcpState state) noexcept {
  std::uint64_t total = 0;
  for (const StateCounts& family : snapshot.families) total += family[index_of(state)];
  return total;
}

double hidden_sockets(const TcpSnapshot& snapshot, double allocated) noexcept {
  const double shown = static_cast<double>(snapshot.sockets) -
                       static_cast<double>(total_of(snapshot, TcpState::time_wait)) -
                       static_cast<double>(total_of(snapshot, TcpState::syn_recv));
  return allocated - shown;
}

void History::record(const Samples& samples, TimePoint now) {
  record_sources(samples.statuses, now);
  if (samples.kernel.value != nullptr && samples.kernel.value != values_) {
    kernel_.record(reading_of(*samples.kernel.value), now, interval_of(samples.statuses, "kernel"));
    values_ = samples.kernel.value;
  }
  if (samples.tcp.value == nullptr || samples.tcp.value == tcp_) return;
  const TcpSnapshot& tcp = *samples.tcp.value;
  for (const Direction direction : kDirections) make_room_for(tcp, direction);
  if (tcp_ == nullptr) first_ = now;
  times_.advance(now, interval_of(samples.statuses, "tcp"));
  const bool polled = samples.listeners.is_fresh(now);
  for (const Direction direction : kDirections) {
    const bool has_listeners = polled && direction == Direction::inbound;
    record_ports(tcp, direction, has_listeners ? samples.listeners.value.get() : nullptr);
  }
  record_host(tcp);
  record_hidden(tcp);
  tcp_ = samples.tcp.value;
}

std::size_t History::memory_bytes() const noexcept {
  std::size_t bytes = sizeof(*this) + sources_.capacity() * sizeof(Source);
  for (const auto& ports : ports_) {
    bytes += (ports.capacity() - ports.size()) * sizeof(PortHistory);
    for (const PortHistory& port : ports) bytes += port.memory_bytes();
  }
  return bytes + kernel_.memory_bytes();
}

void History::make_room_for(const TcpSnapshot& snapshot, Direction direction) {
  const DirectionCounts& counts = snapshot.of(direction);
  auto& histories = ports_[index_of(direction)];
  if (!has_same_ports(counts, histories)) histories = carry_over(counts, histories);
  for (std::size_t i = 0; i < histories.size(); ++i) {
    histories[i].make_room_for(counts_at(counts, i), direction);
  }
}

void History::record_ports(const TcpSnapshot& snapshot, Direction direction,
                           const ListenerSnapshot* listeners) noexcept {
  const DirectionCounts& counts = snapshot.of(direction);
  auto& histories = ports_[index_of(direction)];
  for (std::size_t i = 0; i < histories.size(); ++i) {
    const PortCounts& port = counts_at(counts, i);
    histories[i].record(port, direction, drops_of(listeners, port.port), times_);
  }
}

void History::record_host(const TcpSnapshot& snapshot) noexcept {
  const EphemeralPortUse& use = snapshot.ephemeral;
  const std::size_t available = use.available.value_or(0);
  const std::size_t busiest = use.busiest.empty() ? 0 : use.busiest.front().ephemeral_ports;
  const HostSlot now{share(busiest, available), share(use.local_ports_used.value_or(0), available),
                     total_of(snapshot, TcpState::syn_recv) > 0};
  HostSlot& slot = host_[times_.slots.index(0)];
  if (times_.new_slot) {
    slot = now;
    return;
  }
  slot.busiest_ports = std::min(slot.busiest_ports, now.busiest_ports);
  slot.local_ports = std::min(slot.local_ports, now.local_ports);
  slot.syn_recv = slot.syn_recv || now.syn_recv;
}

void History::record_hidden(const TcpSnapshot& snapshot) noexcept {
  const auto allocated = kernel_.latest(KernelValue::allocated_sockets);
  if (!allocated) {
    known_hidden_ = 0;
    return;
  }
  const double now = hidden_sockets(snapshot, *allocated);
  double& least = hidden_[times_.steps.index(0)];
  if (times_.new_step || known_hidden_ == 0) {
    known_hidden_ = std::min(known_hidden_ + 1, hidden_.size());
    least = now;
  } else {
    least = std::min(least, now);
  }
}

void History::record_sources(const SampleStatuses& statuses, TimePoint now) {
  if (sources_.size() != statuses.size()) sources_.assign(statuses.size(), {std::nullopt, now});
  for (std::size_t i = 0; i < statuses.size(); ++i) {
    if (statuses[i].last_success == sources_[i].last_success) continue;
    sources_[i] = {statuses[i].last_success, now};
  }
}

template <typename Member>
double History::least(const Member& member) const noexcept {
  double least = member(host_[times_.slots.index(0)]);
  for (std::size_t back = 1; back < times_.window; ++back) {
    least = std::min<double>(least, member(host_[times_.slots.index(back)]));
  }
  return least;
}

double History::busiest_ports() const noexcept {
  return least([](const HostSlot& slot) { return slot.busiest_ports; });
}

double History::local_ports() const noexcept {
  return least([](const HostSlot& slot) { return slot.local_ports; });
}

bool History::has_seen_syn_recv() const noexcept {
  for (std::size_t back = 0; back < times_.window; ++back) {
    if (host_[times_.slots.index(back)].syn_recv) return true;
  }
  return false;
}

std::optional<double> History::hidden_growth() const noexcept {
  const std::size_t steps = std::min(known_hidden_, times_.steps.count());
  if (steps < Times::kSteps) return std::nullopt;
  const auto hidden = [&](std::size_t back) { return hidden_[times_.steps.index(back)]; };
  for (std::size_t back = 1; back < steps; ++back) {
    if (hidden(back) > hidden(back - 1)) return std::nullopt;
  }
  constexpr std::size_t kThird = Times::kSteps / 3;
  for (std::size_t back = 0; back + kThird < steps; back += kThird) {
    if (hidden(back + kThird) >= hidden(back)) return std::nullopt;
  }
  return hidden(0) - hidden(steps - 1);
}

bool History::is_stale(std::size_t source, const SampleStatuses& statuses,
                       TimePoint now) const noexcept {
  std::chrono::nanoseconds busy{};
  for (const SampleStatus& status : statuses) busy += status.duration;
  const SampleStatus& status = statuses[source];
  const auto late = std::max<std::chrono::nanoseconds>(3 * status.interval, kBusyHost);
  return status.last_success && now - sources_[source].at > late + busy;
}

}  // namespace sockdiag
