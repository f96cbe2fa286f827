// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/core/snapshot_sums.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <vector>

namespace sockdiag {
namespace {

// Returns nothing unless both have a number.
template <typename Number>
std::optional<Number> sum_of_both(std::optional<Number> a, std::optional<Number> b) noexcept {
  return a && b ? std::optional(*a + *b) : std::nullopt;
}

template <typename Number>
std::optional<Number> sum_of_either(std::optional<Number> a, std::optional<Number> b) noexcept {
  return a && b ? std::optional(*a + *b) : (a ? a : b);
}

// Returns the entry of that port in `ports`, which are ascending; a new one if there is none.
template <typename Counts>
Counts& entry_of(std::vector<Counts>& ports, std::uint16_t port) {
  const auto place =
      std::lower_bound(ports.begin(), ports.end(), port,
                       [](const Counts& counts, std::uint16_t each) { return counts.port < each; });
  if (place != ports.end() && place->port == port) return *place;
  Counts counts{};
  counts.port = port;
  return *ports.insert(place, counts);
}

void add_with_seen(PortCounts& to, const PortCounts& from) noexcept {
  add_counts(to, from);
  to.seen.add(from.seen);
}

void add(DirectionCounts& to, const DirectionCounts& from) {
  for (const PortCounts& port : from.ports) add_with_seen(entry_of(to.ports, port.port), port);
  add_with_seen(to.other, from.other);
  to.folded_ports += from.folded_ports;
}

void add_families(TcpSnapshot& to, const TcpSnapshot& from) noexcept {
  for (std::size_t i = 0; i < to.families.size(); ++i) {
    add_each(to.families[i], from.families[i]);
    to.seen_by_family[i].add(from.seen_by_family[i]);
  }
}

void add(ListenerCounts& to, const ListenerCounts& from) noexcept {
  to.accept_queue_peak += from.accept_queue_peak;
  to.drops = sum_of_both(to.drops, from.drops);
}

}  // namespace

std::uint64_t connections(const PortCounts& counts) noexcept {
  return std::accumulate(counts.sockets.begin(), counts.sockets.end(), std::uint64_t{0}) -
         counts.sockets[index_of(TcpState::listen)];
}

void add_counts(PortCounts& to, const PortCounts& from) noexcept {
  add_each(to.sockets, from.sockets);
  add_each(to.close_wait_causes, from.close_wait_causes);
  add_each(to.lingering_close_wait, from.lingering_close_wait);
  for (std::size_t i = 0; i < kPassingStateCount; ++i) {
    to.stays[i].lingering += from.stays[i].lingering;
    to.stays[i].oldest = std::max(to.stays[i].oldest, from.stays[i].oldest);
  }
  to.served_close_wait += from.served_close_wait;
  to.orphaned_fin_wait2 += from.orphaned_fin_wait2;
  to.retransmitting_syn_recv += from.retransmitting_syn_recv;
  to.syn_recv_prefixes += from.syn_recv_prefixes;
  to.time_wait_started += from.time_wait_started;
  to.receive_queue_bytes += from.receive_queue_bytes;
  to.send_queue_bytes += from.send_queue_bytes;
  to.accept_queue.add(from.accept_queue);
}

void add(TcpSnapshot& to, const TcpSnapshot& from) {
  for (std::size_t i = 0; i < to.directions.size(); ++i) add(to.directions[i], from.directions[i]);
  add_families(to, from);
  to.unique_cookies = to.unique_cookies && from.unique_cookies;
  to.unfollowed_sockets += from.unfollowed_sockets;
  to.sockets += from.sockets;
  to.request_sockets += from.request_sockets;
  to.unknown_state_sockets += from.unknown_state_sockets;
  to.unaccounted_sockets = sum_of_both(to.unaccounted_sockets, from.unaccounted_sockets);
}

void add(ListenerSnapshot& to, const ListenerSnapshot& from) {
  for (const ListenerCounts& port : from.ports) {
    const std::size_t before = to.ports.size();
    ListenerCounts& entry = entry_of(to.ports, port.port);
    if (to.ports.size() > before) {
      entry = port;
    } else {
      add(entry, port);
    }
  }
  add(to.other, from.other);
}

void add_gauges(NamespaceCounters& to, const NamespaceCounters& from) noexcept {
  to.open = sum_of_either(to.open, from.open);
  to.connected = sum_of_either(to.connected, from.connected);
  to.time_wait = sum_of_either(to.time_wait, from.time_wait);
}

}  // namespace sockdiag
