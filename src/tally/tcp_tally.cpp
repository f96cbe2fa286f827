// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/tcp_tally.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace sockdiag {
namespace {

// A connection's family is that of its remote address, which shows what travels on the wire.
AddressFamily family_of(const SocketRecord& record, TcpState state) {
  const IpAddress& address =
      state == TcpState::listen ? record.local_address : record.remote_address;
  return address.is_ipv4() ? AddressFamily::ipv4 : AddressFamily::ipv6;
}

// Returns more than 1 if the queue is full, also if the limit is 0.
double utilization_of(double length, double limit) {
  if (limit > 0) return length / limit;
  return length > 0 ? length + 1 : 0;
}

// Returns null if the port is not among `ports`, which are ascending.
const PortCounts* find(const std::vector<PortCounts>& ports, std::uint16_t port) {
  const auto found = std::lower_bound(
      ports.begin(), ports.end(), port,
      [](const PortCounts& counts, std::uint16_t wanted) { return counts.port < wanted; });
  return found != ports.end() && found->port == port ? &*found : nullptr;
}

// `last`: the counts of the same port in the sample before, or null.
void mark_seen_in(PortCounts& counts, const PortCounts* last) {
  counts.seen.add_states(counts.sockets);
  counts.seen.add_queues(counts.receive_queue_bytes, counts.send_queue_bytes);
  if (last != nullptr) counts.seen.add(last->seen);
}

// tcp_info counts in jiffies. The longest is 10 ms (CONFIG_HZ=100); one more to be safe.
constexpr std::chrono::milliseconds kJiffy{11};

// Cookies that are looked up together: as many slots as the L1 cache holds at a time.
constexpr std::size_t kBatch = 32;

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

void TcpTally::add_served(const SocketRecord& record) {
  if (tcp_state_from_number(record.state_number) != TcpState::close_wait) return;
  const auto threshold = policy_.lifetimes.thresholds[passing_index_of(TcpState::close_wait)];
  if (!record.since_last_ack || *record.since_last_ack >= threshold) return;
  if (served_.size() < kMaxServed) served_.insert(record.cookie);
}

void TcpTally::begin(const EphemeralPorts& ephemeral, TimePoint now,
                     std::chrono::milliseconds time_wait_length) {
  now_ = now;
  services_.begin(ephemeral, now, policy_.ports.port_retention);
  for (PortTable& each : tables_) each.clear();
  owners_.clear();
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
  services_.add_listener(record);
  PortTable::Port& counts = counts_of(Direction::inbound, record.local_port);
  ++counts.sockets[index_of(TcpState::listen)];
  add_owner(counts, Direction::inbound, record, TcpState::listen);
  counts.accept_queue.add({.length = record.receive_queue,
                           .limit = record.send_queue,
                           .utilization = utilization_of(record.receive_queue, record.send_queue)});
}

void TcpTally::add_connection(const SocketRecord& record, TcpState state) {
  const Direction direction = services_.direction_of(record, state);
  const bool inbound = direction == Direction::inbound;
  PortTable::Port& counts = counts_of(direction, inbound ? record.local_port : record.remote_port);
  ++counts.sockets[index_of(state)];
  const OwnerTally::Slot owner = add_owner(counts, direction, record, state);
  counts.receive_queue_bytes += record.receive_queue;
  counts.send_queue_bytes += record.send_queue;
  if (!inbound && services_.is_ephemeral(record.local_port)) {
    destinations_.add({record.local_address, record.remote_address, record.remote_port});
  }
  if (state == TcpState::established) return;
  add_state(counts, record, state);
  std::optional<CloseWaitCause> cause;
  if (state == TcpState::close_wait) cause = add_close_wait(counts, owner, record);
  look_up_later({.cookie = record.cookie,
                 .timer_remaining = record.timer_remaining,
                 .port = counts.port,
                 .direction = direction,
                 .state = state,
                 .owner = owner,
                 .cause = cause});
}

std::optional<CloseWaitCause> TcpTally::add_close_wait(PortCounts& counts, OwnerTally::Slot owner,
                                                       const SocketRecord& record) {
  const CloseWaitCause cause = close_wait_cause_of(record);
  ++counts.close_wait_causes[index_of(cause)];
  if (owner != 0) ++owners_.at(owner).close_wait_causes[index_of(cause)];
  if (cause != CloseWaitCause::not_closed || served_.empty()) return cause;
  if (!served_.contains(record.cookie)) return cause;
  ++counts.served_close_wait;
  return std::nullopt;
}

void TcpTally::add_state(PortCounts& counts, const SocketRecord& record, TcpState state) {
  if (state == TcpState::fin_wait2 && record.inode == 0) {
    ++counts.orphaned_fin_wait2;
  } else if (state == TcpState::syn_recv && record.retransmits > 0) {
    ++counts.retransmitting_syn_recv;
    if (prefixes_.add(record.local_port, record.remote_address)) ++counts.syn_recv_prefixes;
  }
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
                      PortCounts& counts = table(socket.direction).counted(socket.port);
                      Stay& stay = counts.stays[passing];
                      stay.oldest = std::max(stay.oldest, age);
                      if (age < policy_.lifetimes.thresholds[passing]) return;
                      ++stay.lingering;
                      if (socket.owner != 0) ++owners_.at(socket.owner).lingering[passing];
                      if (socket.cause) ++counts.lingering_close_wait[index_of(*socket.cause)];
                    });
  passing_.clear();
}

void TcpTally::add_polled(const SocketRecord& record, TimePoint now) {
  if (tcp_state_from_number(record.state_number) != TcpState::listen) return;
  services_.add_polled_listener(record, now);
}

PortTable::Port& TcpTally::first_counts_of(Direction direction, std::uint16_t port) {
  const bool may_have_series = !excluded_[port] && (services_.may_be_service(direction, port) ||
                                                    seats(direction).is_configured(port));
  return may_have_series ? table(direction).add(port) : table(direction).other(port);
}

TcpSnapshot TcpTally::finish(TimePoint now) {
  count_stays();
  count_time_wait_starts();
  services_.learn();
  TcpSnapshot snapshot;
  std::array<std::vector<std::uint16_t>, kDirections.size()> seated;
  for (const Direction direction : kDirections) {
    const PortTable& counted = table(direction);
    std::vector<std::uint16_t>& ports = seated[index_of(direction)];
    ports = seats(direction).assign(counted.candidates(), now_, policy_.ports.port_retention);
    snapshot.directions[index_of(direction)] = counted.counts(ports);
  }
  snapshot.by_cgroup = owners_.counts(seated);
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
  auto last = snapshot.directions;
  commit(snapshot, last, now);
  return snapshot;
}

void TcpTally::mark_seen(TcpSnapshot& snapshot) const {
  for (const Direction direction : kDirections) {
    const DirectionCounts& last = last_[index_of(direction)];
    DirectionCounts& counts = snapshot.directions[index_of(direction)];
    for (PortCounts& port : counts.ports) mark_seen_in(port, find(last.ports, port.port));
    mark_seen_in(counts.other, &last.other);
  }
  snapshot.seen_by_family = seen_by_family_;
  for (std::size_t i = 0; i < snapshot.families.size(); ++i) {
    snapshot.seen_by_family[i].add_states(snapshot.families[i]);
  }
}

void TcpTally::make_room_for_starts(Direction direction, const DirectionCounts& counts) {
  auto& started = time_waits_started_[index_of(direction)];
  for (const PortCounts& port : counts.ports) started.try_emplace(port.port, 0);
  started.try_emplace(counts.other.port, 0);
}

// Does not allocate, so that a sample is either lost before or counted as a whole.
void TcpTally::commit(TcpSnapshot& snapshot, Directions& last, TimePoint now) noexcept {
  for (const Direction direction : kDirections) {
    DirectionCounts& counts = snapshot.directions[index_of(direction)];
    const auto count_up = [&](PortCounts& port) {
      auto& started = time_waits_started_[index_of(direction)].find(port.port)->second;
      port.time_wait_started = started += port.time_wait_started;
    };
    for (PortCounts& port : counts.ports) count_up(port);
    count_up(counts.other);
  }
  last_.swap(last);
  seen_by_family_ = snapshot.seen_by_family;
  lifetimes_.finish(now);
  snapshot.unfollowed_sockets = lifetimes_.unfollowed();
  time_wait_starts_.finish();
}

EphemeralPortUse TcpTally::ephemeral_port_use() const {
  if (!services_.ephemeral().is_known()) return {};
  const DestinationPolicy& policy = policy_.destinations;
  return {.available = services_.ephemeral().size(),
          .local_ports_used = services_.ephemeral_ports_used(),
          .busiest = destinations_.busiest(policy.busiest),
          .ranks = policy.busiest,
          .export_addresses = policy.export_addresses};
}

}  // namespace sockdiag
