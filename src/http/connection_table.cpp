// SPDX-License-Identifier: Apache-2.0
#include "connection_table.hpp"

#include <algorithm>
#include <tuple>

namespace sockdiag {
namespace {

constexpr unsigned kWorkersPerReserved = 4;

constexpr bool waits(Phase phase) noexcept {
  return phase == Phase::silent || phase == Phase::ready;
}

constexpr bool is_in_flight(Phase phase) noexcept { return !waits(phase) && phase != Phase::idle; }

constexpr bool is_the_clients_turn(Phase phase) noexcept {
  return phase == Phase::silent || phase == Phase::reading || phase == Phase::writing;
}

}  // namespace

ConnectionTable::ConnectionTable(const Limits& limits) : limits_(limits) {
  entries_.reserve(limits.waiting + limits.workers);
}

ConnectionTable::Admission ConnectionTable::admit(const AddressBytes& client,
                                                  TimePoint now) noexcept {
  Admission admission{.admitted = true};
  const auto known = clients_.find(client);
  if (known != clients_.end() && known->second.connections >= limits_.per_client) {
    admission.close = oldest(known->second, Phase::silent);
    if (!admission.close) admission.release = oldest(known->second, Phase::idle);
    admission.admitted = admission.close || admission.release;
    if (admission.close) remove(*admission.close);
    if (admission.release) enter(*admission.release, Phase::reading, now);
  }
  if (admission.admitted && waiting() >= limits_.waiting) {
    admission.close = make_room();
    admission.admitted = admission.close.has_value();
  }
  return admission;
}

std::optional<int> ConnectionTable::make_room() noexcept {
  const auto rank = [](const Entry& entry) {
    return std::tuple(waits(entry.phase), entry.client->second.connections,
                      entry.phase == Phase::silent);
  };
  const auto found = std::ranges::max_element(entries_, {}, rank);
  if (found == entries_.end() || !waits(found->phase)) return std::nullopt;
  const int descriptor = found->connection.descriptor;
  erase(found);
  return descriptor;
}

void ConnectionTable::add(const Connection& connection, const AddressBytes& client, TimePoint now) {
  entries_.reserve(entries_.size() + 1);
  const auto known = clients_.try_emplace(client).first;
  ++known->second.connections;
  entries_.push_back({.connection = connection, .client = known});
  set_phase(entries_.back(), Phase::silent, now);
}

void ConnectionTable::remove(int descriptor) noexcept {
  const auto entry = find(descriptor);
  if (entry != entries_.end()) erase(entry);
}

void ConnectionTable::enter(int descriptor, Phase phase, TimePoint now) noexcept {
  const auto entry = find(descriptor);
  if (entry != entries_.end()) set_phase(*entry, phase, now);
}

std::optional<Phase> ConnectionTable::phase_of(int descriptor) const noexcept {
  const auto entry = find(descriptor);
  return entry != entries_.end() ? std::optional(entry->phase) : std::nullopt;
}

std::optional<AddressBytes> ConnectionTable::client_of(int descriptor) const noexcept {
  const auto entry = find(descriptor);
  return entry != entries_.end() ? std::optional(entry->client->first) : std::nullopt;
}

std::optional<ConnectionTable::Connection> ConnectionTable::hand_over(TimePoint now) noexcept {
  const auto next = next_ready();
  if (next == entries_.end() || !may_have_worker(next->client->second)) return std::nullopt;
  set_phase(*next, Phase::reading, now);
  return next->connection;
}

std::optional<int> ConnectionTable::release_for_ready(TimePoint now) noexcept {
  const auto next = next_ready();
  if (next == entries_.end() || may_have_worker(next->client->second)) return std::nullopt;
  const bool of_any = next->client->second.in_flight == 0;
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return entry.phase == Phase::idle && (of_any || entry.client == next->client);
  });
  if (found == entries_.end()) return std::nullopt;
  set_phase(*found, Phase::reading, now);
  return found->connection.descriptor;
}

std::optional<ConnectionTable::Overdue> ConnectionTable::next_overdue(TimePoint now) noexcept {
  const auto found =
      std::ranges::find_if(entries_, [&](const Entry& entry) { return entry.deadline <= now; });
  if (found == entries_.end()) return std::nullopt;
  found->deadline = TimePoint::max();
  return Overdue{found->connection.descriptor, found->phase};
}

ConnectionTable::TimePoint ConnectionTable::first_deadline() const noexcept {
  const auto first = std::ranges::min_element(entries_, {}, &Entry::deadline);
  return first != entries_.end() ? first->deadline : TimePoint::max();
}

// The fewer requests a client has in flight, the sooner it may have a worker.
ConnectionTable::Entries::iterator ConnectionTable::next_ready() noexcept {
  const auto rank = [](const Entry& entry) {
    return std::tuple(entry.phase != Phase::ready, entry.client->second.in_flight);
  };
  const auto found = std::ranges::min_element(entries_, {}, rank);
  return found != entries_.end() && found->phase == Phase::ready ? found : entries_.end();
}

ConnectionTable::Entries::iterator ConnectionTable::find(int descriptor) noexcept {
  return std::ranges::find(entries_, descriptor,
                           [](const Entry& entry) { return entry.connection.descriptor; });
}

ConnectionTable::Entries::const_iterator ConnectionTable::find(int descriptor) const noexcept {
  return std::ranges::find(entries_, descriptor,
                           [](const Entry& entry) { return entry.connection.descriptor; });
}

std::optional<int> ConnectionTable::oldest(const Client& client, Phase phase) const noexcept {
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return &entry.client->second == &client && entry.phase == phase;
  });
  return found != entries_.end() ? std::optional(found->connection.descriptor) : std::nullopt;
}

bool ConnectionTable::may_have_worker(const Client& client) const noexcept {
  const std::size_t free = limits_.workers - std::min<std::size_t>(limits_.workers, with_worker_);
  const unsigned reserved = std::max(1U, limits_.workers / kWorkersPerReserved);
  return client.in_flight == 0 ? free > 0 : free > reserved;
}

void ConnectionTable::set_phase(Entry& entry, Phase phase, TimePoint now) noexcept {
  Client& client = entry.client->second;
  if (is_in_flight(entry.phase)) --client.in_flight;
  if (is_in_flight(phase)) ++client.in_flight;
  if (!waits(entry.phase)) --with_worker_;
  if (!waits(phase)) ++with_worker_;
  entry.phase = phase;
  entry.deadline = is_the_clients_turn(phase) ? now + limits_.timeout : TimePoint::max();
}

void ConnectionTable::erase(Entries::iterator entry) noexcept {
  set_phase(*entry, Phase::ready, {});  // gives back what it holds
  if (--entry->client->second.connections == 0) clients_.erase(entry->client);
  entries_.erase(entry);
}

}  // namespace sockdiag
