// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/tcp_tally.hpp"

#include <cassert>
#include <utility>

namespace sockdiag {
namespace {

// tcp_info counts in jiffies. The longest is 10 ms (CONFIG_HZ=100); one more to be safe.
constexpr std::chrono::milliseconds kJiffy{11};

}  // namespace

TcpTally::TcpTally(std::shared_ptr<TallyScratch> scratch, TcpPolicy policy, NetworkKind kind)
    : scratch_(std::move(scratch)), kind_(kind), memory_(scratch_->lifetime_budget, kind) {
  set_policy(std::move(policy));
}

void TcpTally::set_policy(TcpPolicy policy) {
  auto rules = scratch_->rules.of(policy.ports);
  policy_ = scratch_->policies.of(std::move(policy));
  rules_ = std::move(rules);
  for (PortSeats& each : seats_) each.configure(*rules_, policy_->ports.max_ports);
  if (kind_ != NetworkKind::own) return;
  scratch_->lifetime_budget.set_max_sockets(policy_->lifetimes.max_sockets);
}

void TcpTally::date(const SocketRecord& record, TimePoint now) {
  if (tcp_state_from_number(record.state_number) != TcpState::close_wait) return;
  if (!record.since_last_ack) return;
  memory_.lifetimes.date(record.cookie, TcpState::close_wait,
                         now - *record.since_last_ack + kJiffy);
}

void TcpTally::add_served(const SocketRecord& record) {
  if (tcp_state_from_number(record.state_number) != TcpState::close_wait) return;
  const auto threshold = policy_->lifetimes.thresholds[passing_index_of(TcpState::close_wait)];
  if (!record.since_last_ack || *record.since_last_ack >= threshold) return;
  if (memory_.served.size() < kMaxServed) memory_.served.insert(record.cookie);
}

// Also gives the memory back.
void TcpTally::forget_served() {
  if (memory_.served.empty()) return;
  memory_.served = decltype(memory_.served)();
}

void TcpTally::begin(const EphemeralPorts& ephemeral, TimePoint now,
                     std::chrono::milliseconds time_wait_length) {
  now_ = now;
  scratch_->counter.begin({*policy_, *rules_, memory_}, ephemeral, now, time_wait_length);
}

void TcpTally::add_polled(const SocketRecord& record, TimePoint now) {
  if (tcp_state_from_number(record.state_number) != TcpState::listen) return;
  memory_.services.add_polled_listener(record, now);
}

TcpSnapshot TcpTally::finish(TimePoint now) {
  SocketCounter& counter = scratch_->counter;
  assert(counter.is_counting(memory_));
  counter.end();
  TcpSnapshot snapshot = counter.counts(assign_seats());
  PortMemories ports = complete(snapshot);
  // Nothing below allocates, so that a sample is either lost above or counted as a whole.
  ports_.swap(ports);
  seen_by_family_ = snapshot.seen_by_family;
  memory_.lifetimes.finish(now);
  snapshot.unfollowed_sockets = memory_.lifetimes.unfollowed();
  memory_.time_wait_starts.finish();
  return snapshot;
}

SocketCounter::Seated TcpTally::assign_seats() {
  SocketCounter::Seated seated;
  for (const Direction direction : kDirections) {
    const std::size_t i = index_of(direction);
    seated[i] =
        seats_[i].assign(rules_->configured(direction), scratch_->counter.candidates(direction),
                         now_, policy_->ports.port_retention);
  }
  return seated;
}

TcpTally::PortMemories TcpTally::complete(TcpSnapshot& snapshot) const {
  PortMemories ports;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    ports[i] = ports_[i].after(snapshot.directions[i]);
  }
  snapshot.seen_by_family = seen_by_family_;
  for (std::size_t i = 0; i < snapshot.families.size(); ++i) {
    snapshot.seen_by_family[i].add_states(snapshot.families[i]);
  }
  return ports;
}

}  // namespace sockdiag
