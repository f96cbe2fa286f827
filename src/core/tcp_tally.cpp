// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/core/tcp_tally.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace sockdiag {
namespace {

// A listener's address is its own; a connection's remote address tells what travels on the wire.
AddressFamily family_of(const SocketRecord& record, TcpState state) {
  const IpAddress& address =
      state == TcpState::listen ? record.local_address : record.remote_address;
  return address.is_ipv4() ? AddressFamily::ipv4 : AddressFamily::ipv6;
}

void add_counts(PortCounts& to, const PortCounts& from) {
  for (std::size_t i = 0; i < kTcpStateCount; ++i) to.sockets[i] += from.sockets[i];
  to.receive_queue_bytes += from.receive_queue_bytes;
  to.send_queue_bytes += from.send_queue_bytes;
  to.accept_queue.length += from.accept_queue.length;
  to.accept_queue.limit += from.accept_queue.limit;
  to.accept_queue.utilization =
      std::max(to.accept_queue.utilization, from.accept_queue.utilization);
}

}  // namespace

TcpTally::TcpTally(PortPolicy policy) { set_policy(std::move(policy)); }

void TcpTally::set_policy(PortPolicy policy) {
  policy_ = std::move(policy);
  seats(Direction::inbound).configure(policy_.inbound, policy_.max_ports);
  seats(Direction::outbound).configure(policy_.outbound, policy_.max_ports);
}

void TcpTally::begin(PortRange ephemeral, TimePoint now) {
  ephemeral_ = ephemeral;
  now_ = now;
  listeners_.forget_gone(now, policy_.port_retention);
  for (PortTable& each : tables_) each.clear();
  families_ = {};
  sockets_ = 0;
  unknown_state_sockets_ = 0;
}

void TcpTally::add(const SocketRecord& record) {
  ++sockets_;
  const auto state = tcp_state_from_number(record.state_number);
  if (!state) {
    ++unknown_state_sockets_;
    return;
  }
  ++families_[static_cast<std::size_t>(family_of(record, *state))][index_of(*state)];
  if (*state == TcpState::listen) {
    add_listener(record);
  } else {
    add_connection(record, *state);
  }
}

void TcpTally::add_listener(const SocketRecord& record) {
  listeners_.saw(record.local_address, record.local_port, record.ipv6_only, now_);
  PortCounts& counts = counts_of(Direction::inbound, record.local_port);
  ++counts.sockets[index_of(TcpState::listen)];
  AcceptQueue& queue = counts.accept_queue;
  queue.length += record.receive_queue;
  queue.limit += record.send_queue;
  queue.utilization = std::max(queue.utilization,
                               record.receive_queue / (static_cast<double>(record.send_queue) + 1));
}

void TcpTally::add_connection(const SocketRecord& record, TcpState state) {
  PortCounts& counts = is_inbound(record, state)
                           ? counts_of(Direction::inbound, record.local_port)
                           : counts_of(Direction::outbound, record.remote_port);
  ++counts.sockets[index_of(state)];
  counts.receive_queue_bytes += record.receive_queue;
  counts.send_queue_bytes += record.send_queue;
}

bool TcpTally::is_inbound(const SocketRecord& record, TcpState state) const noexcept {
  return state == TcpState::syn_recv || listeners_.matches(record.local_address, record.local_port);
}

PortCounts& TcpTally::counts_of(Direction direction, std::uint16_t port) {
  return may_have_series(direction, port) ? table(direction).at(port)
                                          : table(direction).other(port);
}

bool TcpTally::may_have_series(Direction direction, std::uint16_t port) const noexcept {
  if (port == 0) return false;
  if (seats_[index_of(direction)].is_configured(port)) return true;
  return direction == Direction::inbound ? listeners_.has_port(port) : !ephemeral_.contains(port);
}

TcpSnapshot TcpTally::finish() {
  TcpSnapshot snapshot;
  for (const Direction direction : kDirections) {
    snapshot.directions[index_of(direction)] = finish(direction);
  }
  snapshot.families = families_;
  snapshot.sockets = sockets_;
  snapshot.unknown_state_sockets = unknown_state_sockets_;
  return snapshot;
}

DirectionCounts TcpTally::finish(Direction direction) {
  const PortTable& counted = table(direction);
  std::vector<PortSeats::Candidate> in_use;
  for (const PortCounts& counts : counted.ports()) {
    in_use.push_back({counts.port, std::accumulate(counts.sockets.begin(), counts.sockets.end(),
                                                   std::uint64_t{0})});
  }
  const auto seated = seats(direction).assign(in_use, now_, policy_.port_retention);

  DirectionCounts result;
  for (const std::uint16_t port : seated) {
    const PortCounts* counts = counted.find(port);
    result.ports.push_back(counts != nullptr ? *counts : PortCounts{.port = port});
  }
  result.other = counted.other();
  result.folded_ports = static_cast<std::uint32_t>(counted.folded_ports());
  for (const PortCounts& counts : counted.ports()) {
    if (std::binary_search(seated.begin(), seated.end(), counts.port)) continue;
    add_counts(result.other, counts);
    ++result.folded_ports;
  }
  return result;
}

}  // namespace sockdiag
