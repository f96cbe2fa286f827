// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include "sockdiag/tally/tcp_tally.hpp"

namespace sockdiag {
namespace {

// A listener's address is its own; a connection's remote address tells what travels on the wire.
AddressFamily family_of(const SocketRecord& record, TcpState state) {
  const IpAddress& address =
      state == TcpState::listen ? record.local_address : record.remote_address;
  return address.is_ipv4() ? AddressFamily::ipv4 : AddressFamily::ipv6;
}

template <std::size_t Size>
void add_each(std::array<std::uint32_t, Size>& to, const std::array<std::uint32_t, Size>& from) {
  for (std::size_t i = 0; i < Size; ++i) to[i] += from[i];
}

// Above 1 when the queue is full, whatever the limit.
double utilization_of(double length, double limit) {
  if (limit > 0) return length / limit;
  return length > 0 ? length + 1 : 0;
}

void add_queue(AcceptQueue& to, const AcceptQueue& from) {
  to.length += from.length;
  to.limit += from.limit;
  to.utilization = std::max(to.utilization, from.utilization);
}

void add_counts(PortCounts& to, const PortCounts& from) {
  add_each(to.sockets, from.sockets);
  add_each(to.close_wait_causes, from.close_wait_causes);
  for (std::size_t i = 0; i < kPassingStateCount; ++i) {
    to.stays[i].lingering += from.stays[i].lingering;
    to.stays[i].oldest = std::max(to.stays[i].oldest, from.stays[i].oldest);
  }
  to.orphaned_fin_wait2 += from.orphaned_fin_wait2;
  to.retransmitting_syn_recv += from.retransmitting_syn_recv;
  to.syn_recv_prefixes += from.syn_recv_prefixes;
  to.time_wait_started += from.time_wait_started;
  to.receive_queue_bytes += from.receive_queue_bytes;
  to.send_queue_bytes += from.send_queue_bytes;
  add_queue(to.accept_queue, from.accept_queue);
}

// A listener is no use of a port: SO_REUSEPORT gives an idle one as many as there are workers.
std::uint64_t connections(const PortCounts& counts) {
  return std::accumulate(counts.sockets.begin(), counts.sockets.end(), std::uint64_t{0}) -
         counts.sockets[index_of(TcpState::listen)];
}

// tcp_info counts in jiffies: one more than the longest of them (CONFIG_HZ=100), to be safe.
constexpr std::chrono::milliseconds kJiffy{11};

// Cookies that are looked up together: as many slots as the L1 cache holds at a time.
constexpr std::size_t kBatch = 32;

// From here on systems choose ports for clients: Linux by default, RFC 6335 from 49 152 on.
constexpr std::uint16_t kClientPorts = 32768;

// Below it no system chooses a port for a client.
constexpr std::uint16_t kUserPorts = 1024;

}  // namespace

TcpTally::TcpTally(TcpPolicy policy) { set_policy(std::move(policy)); }

void TcpTally::set_policy(TcpPolicy policy) {
  policy_ = std::move(policy);
  const PortPolicy& ports = policy_.ports;
  excluded_ = ports.exclude.ports();
  excluded_.set(0);
  seats(Direction::inbound).configure(ports.inbound, ports.max_ports, excluded_);
  seats(Direction::outbound).configure(ports.outbound, ports.max_ports, excluded_);
  lifetimes_.set_max_sockets(policy_.lifetimes.max_sockets);
}

void TcpTally::date(const SocketRecord& record, TimePoint now) {
  if (tcp_state_from_number(record.state_number) != TcpState::close_wait) return;
  if (!record.since_last_ack) return;
  lifetimes_.date(record.cookie, TcpState::close_wait, now - *record.since_last_ack + kJiffy);
}

void TcpTally::begin(const EphemeralPorts& ephemeral, TimePoint now,
                     std::chrono::milliseconds time_wait_length) {
  flag_ports(ephemeral);
  now_ = now;
  for (ListenerTable* each : {&listeners_, &polled_listeners_}) {
    each->forget_gone(now, policy_.ports.port_retention);
  }
  for (PortTable& each : tables_) each.clear();
  shared_ports_.begin();
  families_ = {};
  lifetimes_.begin(now);
  time_wait_starts_.begin(now, time_wait_length);
  prefixes_.clear();
  destinations_.clear();
  sockets_ = 0;
  request_sockets_ = 0;
  unknown_state_sockets_ = 0;
  passing_.clear();
  time_waits_.clear();
}

void TcpTally::flag_ports(const EphemeralPorts& ephemeral) {
  for (std::uint8_t& flags : ports_) flags &= kEphemeral;
  if (ephemeral == ephemeral_) return;
  ephemeral_ = ephemeral;
  for (std::size_t port = 0; port < ports_.size(); ++port) {
    ports_[port] = ephemeral_.contains(static_cast<std::uint16_t>(port)) ? kEphemeral : 0;
  }
}

std::size_t TcpTally::local_ports_used() const noexcept {
  return static_cast<std::size_t>(
      std::count(ports_.begin(), ports_.end(), kEphemeral | kUsedLocally));
}

void TcpTally::add(const SocketRecord& record) {
  ++sockets_;
  if (record.kind == SocketKind::request) ++request_sockets_;
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
  listeners_.record_seen(record.local_address, record.local_port, record.ipv6_only, now_);
  ports_[record.local_port] |= kUsedLocally;
  PortCounts& counts = counts_of(Direction::inbound, record.local_port);
  ++counts.sockets[index_of(TcpState::listen)];
  AcceptQueue& queue = counts.accept_queue;
  queue.length += record.receive_queue;
  queue.limit += record.send_queue;
  queue.utilization =
      std::max(queue.utilization, utilization_of(record.receive_queue, record.send_queue));
}

void TcpTally::add_connection(const SocketRecord& record, TcpState state) {
  std::uint8_t& local = ports_[record.local_port];
  const bool local_is_ephemeral = (local & kEphemeral) != 0;
  local |= kUsedLocally;
  const bool inbound = is_inbound(record, state, local_is_ephemeral);
  const Direction direction = inbound ? Direction::inbound : Direction::outbound;
  PortCounts& counts = counts_of(direction, inbound ? record.local_port : record.remote_port);
  ++counts.sockets[index_of(state)];
  counts.receive_queue_bytes += record.receive_queue;
  counts.send_queue_bytes += record.send_queue;
  if (!inbound && local_is_ephemeral) {
    destinations_.add({record.local_address, record.remote_address, record.remote_port});
  }
  if (state == TcpState::established) return;
  add_state(counts, record, state);
  look_up_later({.cookie = record.cookie,
                 .timer_remaining = record.timer_remaining,
                 .port = counts.port,
                 .direction = direction,
                 .state = state});
}

void TcpTally::add_state(PortCounts& counts, const SocketRecord& record, TcpState state) {
  if (state == TcpState::close_wait) {
    ++counts.close_wait_causes[index_of(close_wait_cause_of(record))];
  } else if (state == TcpState::fin_wait2 && record.inode == 0) {
    ++counts.orphaned_fin_wait2;
  } else if (state == TcpState::syn_recv && record.retransmits > 0) {
    add_syn_recv(counts, record);
  }
}

void TcpTally::add_syn_recv(PortCounts& counts, const SocketRecord& record) {
  ++counts.retransmitting_syn_recv;
  if (prefixes_.add(record.local_port, record.remote_address)) ++counts.syn_recv_prefixes;
}

void TcpTally::look_up_later(const Lookup& lookup) {
  if (lookup.state == TcpState::time_wait) {
    time_waits_.push_back(lookup);
    if (time_waits_.size() == kBatch) count_time_wait_starts();
  } else if (passing_index_of(lookup.state) < kPassingStateCount) {
    passing_.push_back(lookup);
    if (passing_.size() == kBatch) count_stays();
  }
}

void TcpTally::count_time_wait_starts() {
  time_wait_starts_.find_new(std::span<const Lookup>(time_waits_), [this](const Lookup& started) {
    ++table(started.direction).counted(started.port).time_wait_started;
  });
  time_waits_.clear();
}

void TcpTally::count_stays() {
  lifetimes_.follow(std::span<const Lookup>(passing_),
                    [this](const Lookup& socket, std::chrono::milliseconds age) {
                      const std::size_t passing = passing_index_of(socket.state);
                      Stay& stay = table(socket.direction).counted(socket.port).stays[passing];
                      stay.oldest = std::max(stay.oldest, age);
                      if (age >= policy_.lifetimes.thresholds[passing]) ++stay.lingering;
                    });
  passing_.clear();
}

bool TcpTally::is_inbound(const SocketRecord& record, TcpState state, bool local_is_ephemeral) {
  const std::uint16_t local = record.local_port;
  const std::uint16_t remote = record.remote_port;
  if (state == TcpState::syn_recv || listeners_.matches(record.local_address, local)) return true;
  // By far the most connections of a host that calls others: not counted, which would cost more.
  if (local_is_ephemeral && !is_ephemeral(remote) && remote < kClientPorts) {
    return is_only_service(local, remote);
  }
  return is_inbound_by_ports(record, local_is_ephemeral);
}

bool TcpTally::is_inbound_by_ports(const SocketRecord& record, bool local_is_ephemeral) {
  const std::uint16_t local = record.local_port;
  const std::uint16_t remote = record.remote_port;
  // Not above: the port of a listener that lived for a moment may be a client's by now.
  if (polled_listeners_.matches(record.local_address, local)) return true;
  // Outside of this host's range, a peer may have taken the port from its own.
  const bool looks_inbound =
      local_is_ephemeral == is_ephemeral(remote)
          ? !local_is_ephemeral && local < kClientPorts && remote >= kClientPorts
          : !local_is_ephemeral;
  return shared_ports_.add(local, remote, looks_inbound);
}

// Whether only the local port is known as a service's: the remote one is of a client whose range is
// wider than this host's.
bool TcpTally::is_only_service(std::uint16_t local, std::uint16_t remote) const noexcept {
  return shared_ports_.is_service(Direction::inbound, local) && remote >= kUserPorts &&
         !shared_ports_.is_service(Direction::outbound, remote);
}

void TcpTally::add_polled(const SocketRecord& record, TimePoint now) {
  if (tcp_state_from_number(record.state_number) != TcpState::listen) return;
  if (polled_listeners_.size() >= ListenerTable::kMaxRemembered) return;
  polled_listeners_.record_seen(record.local_address, record.local_port, record.ipv6_only, now);
}

bool TcpTally::learn_services() {
  return shared_ports_.learn(ephemeral_.size(), now_, policy_.ports.port_retention);
}

PortCounts& TcpTally::first_counts_of(Direction direction, std::uint16_t port) {
  PortTable& counted = table(direction);
  return may_have_series(direction, port) ? counted.at(port) : counted.other(port);
}

bool TcpTally::may_have_series(Direction direction, std::uint16_t port) const noexcept {
  if (excluded_[port]) return false;
  if (!is_ephemeral(port) || listeners_.has_port(port)) return true;
  if (direction == Direction::inbound && polled_listeners_.has_port(port)) return true;
  return seats_[index_of(direction)].is_configured(port) ||
         shared_ports_.is_service(direction, port);
}

TcpSnapshot TcpTally::finish(TimePoint now) {
  count_stays();
  count_time_wait_starts();
  static_cast<void>(learn_services());
  TcpSnapshot snapshot;
  for (const Direction direction : kDirections) {
    snapshot.directions[index_of(direction)] = finish(direction);
  }
  snapshot.families = families_;
  mark_seen(snapshot);
  snapshot.lingering_thresholds = policy_.lifetimes.thresholds;
  snapshot.ephemeral = ephemeral_port_use();
  snapshot.sockets = sockets_;
  snapshot.request_sockets = request_sockets_;
  snapshot.unknown_state_sockets = unknown_state_sockets_;
  for (const Direction direction : kDirections) {
    make_room_for_starts(direction, snapshot.of(direction));
  }
  SeenByPort seen = seen_in(snapshot);
  commit(snapshot, seen, now);
  return snapshot;
}

void TcpTally::mark_seen(TcpSnapshot& snapshot) const {
  for (const Direction direction : kDirections) {
    DirectionCounts& counts = snapshot.directions[index_of(direction)];
    for (PortCounts& port : counts.ports) mark_seen(direction, port);
    mark_seen(direction, counts.other);
  }
  snapshot.seen_by_family = seen_by_family_;
  for (std::size_t i = 0; i < snapshot.families.size(); ++i) {
    snapshot.seen_by_family[i].add_states(snapshot.families[i]);
  }
}

void TcpTally::mark_seen(Direction direction, PortCounts& counts) const {
  counts.seen.add_states(counts.sockets);
  counts.seen.add_queues(counts.receive_queue_bytes, counts.send_queue_bytes);
  const auto& before = seen_[index_of(direction)];
  const auto found =
      std::lower_bound(before.begin(), before.end(), counts.port,
                       [](const PortSeen& each, std::uint16_t port) { return each.port < port; });
  if (found != before.end() && found->port == counts.port) counts.seen.add(found->seen);
}

TcpTally::SeenByPort TcpTally::seen_in(const TcpSnapshot& snapshot) {
  SeenByPort seen;
  for (const Direction direction : kDirections) {
    const DirectionCounts& counts = snapshot.of(direction);
    auto& of_direction = seen[index_of(direction)];
    of_direction.reserve(counts.ports.size() + 1);
    of_direction.push_back({counts.other.port, counts.other.seen});
    for (const PortCounts& port : counts.ports) of_direction.push_back({port.port, port.seen});
  }
  return seen;
}

void TcpTally::make_room_for_starts(Direction direction, const DirectionCounts& counts) {
  PortCounters& started = time_waits_started_[index_of(direction)];
  for (const PortCounts& port : counts.ports) started.make_room(port.port);
  started.make_room(counts.other.port);
}

// Nothing here allocates: the sample is either lost before or counted whole.
void TcpTally::commit(TcpSnapshot& snapshot, SeenByPort& seen, TimePoint now) noexcept {
  const auto count_up = [](PortCounters& counters, PortCounts& counts) {
    counters.add(counts.port, counts.time_wait_started);
    counts.time_wait_started = counters.at(counts.port);
  };
  for (const Direction direction : kDirections) {
    DirectionCounts& counts = snapshot.directions[index_of(direction)];
    PortCounters& started = time_waits_started_[index_of(direction)];
    for (PortCounts& port : counts.ports) count_up(started, port);
    count_up(started, counts.other);
  }
  seen_.swap(seen);
  seen_by_family_ = snapshot.seen_by_family;
  lifetimes_.finish(now);
  snapshot.unfollowed_sockets = lifetimes_.unfollowed();
  time_wait_starts_.finish();
}

EphemeralPortUse TcpTally::ephemeral_port_use() const {
  if (!ephemeral_.is_known()) return {};
  const DestinationPolicy& policy = policy_.destinations;
  return {.available = ephemeral_.size(),
          .local_ports_used = local_ports_used(),
          .busiest = destinations_.busiest(policy.busiest),
          .ranks = policy.busiest,
          .export_addresses = policy.export_addresses};
}

DirectionCounts TcpTally::finish(Direction direction) {
  PortTable& counted = table(direction);
  std::vector<PortSeats::Candidate> in_use;
  for (const PortCounts& counts : counted.ports()) {
    in_use.push_back({counts.port, connections(counts)});
  }
  const auto seated = seats(direction).assign(in_use, now_, policy_.ports.port_retention);

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
