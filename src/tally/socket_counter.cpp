// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/socket_counter.hpp"

#include <algorithm>
#include <span>

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

// Cookies that are looked up together: as many slots as the L1 cache holds at a time.
constexpr std::size_t kBatch = 32;

}  // namespace

void SocketCounter::begin(const Namespace& of, const EphemeralPorts& ephemeral, TimePoint now,
                          std::chrono::milliseconds time_wait_length) {
  policy_ = &of.policy;
  rules_ = &of.rules;
  memory_ = &of.memory;
  by_cgroup_ = policy_->by_cgroup;
  counts_destinations_ = ephemeral.is_known();
  sockets_ = 0;
  request_sockets_ = 0;
  unknown_state_sockets_ = 0;
  families_ = {};
  services_.begin(memory_->services, ephemeral, now, policy_->ports.port_retention);
  for (PortTable& each : tables_) each.clear();
  owners_.clear();
  prefixes_.clear();
  destinations_.clear();
  passing_.clear();
  time_waits_.clear();
  memory_->lifetimes.begin(now);
  memory_->time_wait_starts.begin(now, time_wait_length);
}

void SocketCounter::add(const SocketRecord& record) {
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

void SocketCounter::add_listener(const SocketRecord& record) {
  services_.add_listener(record);
  PortTable::Port& counts = counts_of(Direction::inbound, record.local_port);
  ++counts.sockets[index_of(TcpState::listen)];
  add_owner(counts, Direction::inbound, record, TcpState::listen);
  counts.accept_queue.add({.length = record.receive_queue,
                           .limit = record.send_queue,
                           .utilization = utilization_of(record.receive_queue, record.send_queue)});
}

void SocketCounter::add_connection(const SocketRecord& record, TcpState state) {
  const Direction direction = services_.direction_of(record, state);
  const bool inbound = direction == Direction::inbound;
  PortTable::Port& counts = counts_of(direction, inbound ? record.local_port : record.remote_port);
  ++counts.sockets[index_of(state)];
  CgroupCounts* const owner = add_owner(counts, direction, record, state);
  counts.receive_queue_bytes += record.receive_queue;
  counts.send_queue_bytes += record.send_queue;
  if (!inbound && counts_destinations_ && services_.is_ephemeral(record.local_port)) {
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

std::optional<CloseWaitCause> SocketCounter::add_close_wait(PortCounts& counts, CgroupCounts* owner,
                                                            const SocketRecord& record) {
  const CloseWaitCause cause = close_wait_cause_of(record);
  ++counts.close_wait_causes[index_of(cause)];
  if (owner != nullptr) ++owner->close_wait_causes[index_of(cause)];
  if (cause != CloseWaitCause::not_closed || memory_->served.empty()) return cause;
  if (!memory_->served.contains(record.cookie)) return cause;
  ++counts.served_close_wait;
  return std::nullopt;
}

void SocketCounter::add_state(PortCounts& counts, const SocketRecord& record, TcpState state) {
  if (state == TcpState::fin_wait2 && record.inode == 0) {
    ++counts.orphaned_fin_wait2;
  } else if (state == TcpState::syn_recv && record.retransmits > 0) {
    ++counts.retransmitting_syn_recv;
    if (prefixes_.add(record.local_port, record.remote_address)) ++counts.syn_recv_prefixes;
  }
}

void SocketCounter::look_up_later(const Lookup& lookup) {
  if (lookup.state == TcpState::time_wait) {
    time_waits_.push_back(lookup);
    if (time_waits_.size() == kBatch) count_time_wait_starts();
  } else if (passing_index_of(lookup.state) < kPassingStateCount) {
    passing_.push_back(lookup);
    if (passing_.size() == kBatch) count_stays();
  }
}

void SocketCounter::count_time_wait_starts() {
  memory_->time_wait_starts.find_new(
      std::span<const Lookup>(time_waits_), [this](const Lookup& started) {
        ++table(started.direction).counted(started.port).time_wait_started;
      });
  time_waits_.clear();
}

void SocketCounter::count_stays() {
  const auto& thresholds = policy_->lifetimes.thresholds;
  memory_->lifetimes.follow(std::span<const Lookup>(passing_),
                            [&](const Lookup& socket, std::chrono::milliseconds age) {
                              const std::size_t passing = passing_index_of(socket.state);
                              PortCounts& counts = table(socket.direction).counted(socket.port);
                              Stay& stay = counts.stays[passing];
                              stay.oldest = std::max(stay.oldest, age);
                              if (age < thresholds[passing]) return;
                              ++stay.lingering;
                              if (socket.owner != nullptr) ++socket.owner->lingering[passing];
                              if (socket.cause)
                                ++counts.lingering_close_wait[index_of(*socket.cause)];
                            });
  passing_.clear();
}

PortTable::Port& SocketCounter::first_counts_of(Direction direction, std::uint16_t port) {
  const bool may_have_series =
      !rules_->is_excluded(port) &&
      (services_.may_be_service(direction, port) || rules_->is_configured(direction, port));
  return may_have_series ? table(direction).add(port) : table(direction).other(port);
}

void SocketCounter::end() {
  count_stays();
  count_time_wait_starts();
  static_cast<void>(services_.learn());
}

TcpSnapshot SocketCounter::counts(const Seated& seated) const {
  TcpSnapshot snapshot;
  for (const Direction direction : kDirections) {
    const std::size_t i = index_of(direction);
    snapshot.directions[i] = tables_[i].counts(seated[i]);
  }
  snapshot.families = families_;
  snapshot.lingering_thresholds = policy_->lifetimes.thresholds;
  snapshot.by_cgroup = owners_.counts(seated);
  snapshot.ephemeral = ephemeral_port_use();
  snapshot.sockets = sockets_;
  snapshot.request_sockets = request_sockets_;
  snapshot.unknown_state_sockets = unknown_state_sockets_;
  return snapshot;
}

EphemeralPortUse SocketCounter::ephemeral_port_use() const {
  if (!services_.ephemeral().is_known()) return {};
  const DestinationPolicy& policy = policy_->destinations;
  return {.available = services_.ephemeral().size(),
          .local_ports_used = services_.ephemeral_ports_used(),
          .busiest = destinations_.busiest(policy.busiest),
          .ranks = policy.busiest,
          .export_addresses = policy.export_addresses};
}

}  // namespace sockdiag
