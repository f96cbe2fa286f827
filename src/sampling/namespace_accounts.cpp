// SPDX-License-Identifier: Apache-2.0
#include "namespace_accounts.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "sockdiag/core/snapshot_sums.hpp"

namespace sockdiag {
namespace {

using ByPort = PortCounters::ByPort;

// Returns by how much a counter has grown, and remembers it. One that has fallen began anew.
std::uint64_t growth(std::uint64_t& counted, std::uint64_t now) noexcept {
  const std::uint64_t before = std::exchange(counted, now);
  return now < before ? now : now - before;
}

std::uint64_t growth(ByPort& counted, std::uint16_t port, std::uint64_t now) {
  if (now != 0) return growth(counted[port], now);
  counted.erase(port);
  return 0;
}

void add_growth(ByPort& account, std::uint16_t series, std::uint64_t growth) {
  if (growth > 0) account[series] += growth;
}

std::uint64_t value_in(const ByPort& account, std::uint16_t series) {
  const auto found = account.find(series);
  return found == account.end() ? 0 : found->second;
}

// Forgets counters of ports that have no series any more.
template <typename Counts>
void forget_others(ByPort& account, const std::vector<Counts>& ports) {
  std::erase_if(account, [&](const auto& entry) {
    return entry.first != 0 && std::none_of(ports.begin(), ports.end(), [&](const Counts& counts) {
             return counts.port == entry.first;
           });
  });
}

void add_to(std::optional<TcpSnapshot>& sum, const TcpSnapshot& snapshot) {
  if (sum) {
    add(*sum, snapshot);
  } else {
    sum = snapshot;
  }
}

void add_to(std::optional<ListenerSnapshot>& sum, const ListenerSnapshot& snapshot) {
  if (sum) {
    add(*sum, snapshot);
  } else {
    sum = snapshot;
  }
}

}  // namespace

struct NamespaceAccounts::Sum {
  NamespaceSample sample{.namespaces = 0};
  std::optional<NamespaceCounters> counters;
  TimePoint counters_read_at;
  std::optional<TcpSnapshot> tcp;
  std::optional<ListenerSnapshot> listeners;
  TimePoint sockets_read_at;
  std::vector<std::shared_ptr<const NamespaceCounters>> all_counters;
  std::vector<std::shared_ptr<const TcpSnapshot>> all_tcp;
  std::vector<std::shared_ptr<const ListenerSnapshot>> all_listeners;

  void add_counters(const NamespaceReading& reading) {
    if (!counters) counters.emplace();
    add_gauges(*counters, *reading.counters);
    const auto& values = reading.counters->kernel.values;
    counters->kernel.values.resize(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i]) counters->kernel.values[i] = 0;  // until it is carried over
    }
    counters_read_at = std::max(counters_read_at, reading.counters_read_at);
  }

  void add_sockets(const NamespaceReading& reading) {
    add_to(tcp, *reading.tcp);
    if (reading.listeners != nullptr) add_to(listeners, *reading.listeners);
    sockets_read_at = std::max(sockets_read_at, reading.sockets_read_at);
  }

  // Adds what is fresh.
  void add_reading(const NamespaceReading& reading, TimePoint oldest) {
    const bool has_counters = reading.counters != nullptr && reading.counters_read_at >= oldest;
    const bool has_sockets = reading.tcp != nullptr && reading.sockets_read_at >= oldest;
    all_counters.push_back(has_counters ? reading.counters : nullptr);
    all_tcp.push_back(has_sockets ? reading.tcp : nullptr);
    all_listeners.push_back(has_sockets ? reading.listeners : nullptr);
    if (!has_counters && !has_sockets) return;
    if (sample.namespaces++ == 0) sample.owner = reading.owner;
    if (has_counters) add_counters(reading);
    if (has_sockets) add_sockets(reading);
  }

  NamespaceSample complete(Account& account, const Seats& seats,
                           std::chrono::nanoseconds staleness) && {
    const auto withdrawn = counters_read_at + staleness;
    const auto sockets_withdrawn = sockets_read_at + staleness;
    sample.counters = {keep(account.counters, std::move(all_counters), {}, counters), withdrawn};
    sample.tcp = {keep(account.tcp, std::move(all_tcp), seats, tcp), sockets_withdrawn};
    sample.listeners = {keep(account.listeners, std::move(all_listeners), seats, listeners),
                        sockets_withdrawn};
    return std::move(sample);
  }

  // Returns the sum of before if it was made of the same.
  template <typename Value>
  static std::shared_ptr<const Value> keep(Kept<Value>& kept,
                                           std::vector<std::shared_ptr<const Value>> values,
                                           const Seats& seats, std::optional<Value>& sum) {
    if (!sum) {
      kept = {};
    } else if (kept.sum == nullptr || kept.values != values || kept.seats != seats) {
      kept = {std::move(values), seats, std::make_shared<const Value>(*std::move(sum))};
    }
    return kept.sum;
  }
};

void NamespaceAccounts::set_owner(NamespaceReading& reading, Owner owner) {
  if (reading.owner.labels != owner.labels && !reading.counted.empty()) {
    reading.counted.clear();
    reading.is_new = false;
  }
  reading.owner = std::move(owner);
}

std::vector<NamespaceSample> NamespaceAccounts::sums(const Readings& readings, const Policy& policy,
                                                     TimePoint now) {
  open_accounts(readings);
  std::map<OwnerLabels, Sum> sums;
  for (const NamespaceReading* reading : readings) {
    sums[reading->owner.labels].add_reading(*reading, now - policy.staleness);
  }
  std::erase_if(sums, [](const auto& entry) { return entry.second.sample.namespaces == 0; });
  assign_seats(sums, policy, now);
  for (NamespaceReading* reading : readings) {
    Account& account = accounts_.at(reading->owner.labels);
    count_kernel(account, *reading);
    count_time_waits(account, *reading);
    count_drops(account, *reading);
  }
  std::vector<NamespaceSample> samples;
  for (auto& [labels, sum] : sums) {
    Account& account = accounts_.at(labels);
    if (sum.counters) carry_kernel(account, *sum.counters);
    account.has_been_shown = account.has_been_shown || sum.counters.has_value();
    if (sum.tcp) carry_time_waits(account, *sum.tcp);
    if (sum.listeners) carry_drops(account, *sum.listeners);
    const Seats seats = seats_.seats_of(account.number);
    samples.push_back(std::move(sum).complete(account, seats, policy.staleness));
  }
  return samples;
}

void NamespaceAccounts::open_accounts(const Readings& readings) {
  for (auto& [labels, account] : accounts_) account.has_reading = false;
  for (const NamespaceReading* reading : readings) {
    const auto [account, is_new] = accounts_.try_emplace(reading->owner.labels);
    if (is_new) account->second.number = ++last_number_;
    account->second.has_reading = true;
  }
  for (const auto& [labels, account] : accounts_) {
    if (!account.has_reading) seats_.forget(account.number);
  }
  std::erase_if(accounts_, [](const auto& entry) { return !entry.second.has_reading; });
}

void NamespaceAccounts::assign_seats(const std::map<OwnerLabels, Sum>& sums, const Policy& policy,
                                     TimePoint now) {
  seats_.begin();
  for (const auto& [labels, sum] : sums) {
    if (sum.tcp) seats_.add(accounts_.at(labels).number, *sum.tcp);
  }
  seats_.assign(policy.seats, now);
}

void NamespaceAccounts::count_kernel(Account& account, NamespaceReading& reading) {
  if (reading.counters == nullptr) return;
  const auto& values = reading.counters->kernel.values;
  const bool is_base = reading.counted.empty() && account.has_been_shown && !reading.is_new;
  account.kernel.resize(values.size());
  reading.counted.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!values[i]) continue;
    const std::uint64_t grown = growth(reading.counted[i], *values[i]);
    if (!is_base) account.kernel[i] += grown;
  }
}

void NamespaceAccounts::count_time_waits(Account& account, NamespaceReading& reading) const {
  if (reading.tcp == nullptr) return;
  for (const Direction direction : kDirections) {
    ByPort& counted = reading.counted_ports.time_waits[index_of(direction)];
    ByPort& time_waits = account.ports.time_waits[index_of(direction)];
    const auto count = [&](const PortCounts& counts) {
      add_growth(time_waits, seats_.series_of(account.number, direction, counts.port),
                 growth(counted, counts.port, counts.time_wait_started));
    };
    const DirectionCounts& counts = reading.tcp->of(direction);
    std::for_each(counts.ports.begin(), counts.ports.end(), count);
    count(counts.other);
  }
}

void NamespaceAccounts::count_drops(Account& account, NamespaceReading& reading) const {
  if (reading.listeners == nullptr) return;
  const auto count = [&](const ListenerCounts& counts) {
    if (!counts.drops) return;
    const auto series = seats_.series_of(account.number, Direction::inbound, counts.port);
    add_growth(account.ports.drops, series,
               growth(reading.counted_ports.drops, counts.port, *counts.drops));
  };
  std::for_each(reading.listeners->ports.begin(), reading.listeners->ports.end(), count);
  count(reading.listeners->other);
}

void NamespaceAccounts::carry_kernel(const Account& account, NamespaceCounters& sum) {
  auto& values = sum.kernel.values;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i]) values[i] = account.kernel[i];
  }
}

void NamespaceAccounts::carry_time_waits(Account& account, TcpSnapshot& sum) const {
  seats_.fold(account.number, sum);
  for (std::size_t i = 0; i < sum.directions.size(); ++i) {
    DirectionCounts& counts = sum.directions[i];
    ByPort& time_waits = account.ports.time_waits[i];
    forget_others(time_waits, counts.ports);
    for (PortCounts& port : counts.ports) {
      port.time_wait_started = value_in(time_waits, port.port);
    }
    counts.other.time_wait_started = value_in(time_waits, 0);
    account.seen_by_other[i].add(counts.other.seen);
    counts.other.seen = account.seen_by_other[i];
  }
}

void NamespaceAccounts::carry_drops(Account& account, ListenerSnapshot& sum) const {
  seats_.fold(account.number, sum);
  forget_others(account.ports.drops, sum.ports);
  const auto set = [&](ListenerCounts& port) {
    if (port.drops) port.drops = value_in(account.ports.drops, port.port);
  };
  std::for_each(sum.ports.begin(), sum.ports.end(), set);
  set(sum.other);
}

}  // namespace sockdiag
