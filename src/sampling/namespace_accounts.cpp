// SPDX-License-Identifier: Apache-2.0
#include "namespace_accounts.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <type_traits>
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

void add(NamespaceCounters& to, const NamespaceCounters& from) {
  add_gauges(to, from);
  auto& values = to.kernel.values;
  values.resize(std::max(values.size(), from.kernel.values.size()));
  for (std::size_t i = 0; i < from.kernel.values.size(); ++i) {
    if (from.kernel.values[i]) values[i] = 0;  // until it is carried over
  }
}

// Returns nothing if there is no value.
template <typename Values>
auto sum_of(const Values& values) {
  std::optional<std::remove_const_t<typename Values::value_type::element_type>> sum;
  for (const auto& value : values) {
    if (value == nullptr) continue;
    if (sum) {
      add(*sum, *value);
    } else {
      sum = *value;
    }
  }
  return sum;
}

}  // namespace

// What is fresh of the namespaces of one owner.
struct NamespaceAccounts::Fresh {
  const SharedOwnerLabels* owner = nullptr;  // null if there is nothing
  std::uint32_t namespaces = 0;
  Values<NamespaceCounters> counters;
  Values<TcpSnapshot> tcp;
  Values<ListenerSnapshot> listeners;
  TimePoint counters_read_at;
  TimePoint sockets_read_at;

  Fresh(const Readings& readings, TimePoint oldest) {
    for (const NamespaceReading* reading : readings) add(*reading, oldest);
  }

  void add(const NamespaceReading& reading, TimePoint oldest) {
    const bool has_counters = reading.counters != nullptr && reading.counters_read_at >= oldest;
    const bool has_sockets = reading.tcp != nullptr && reading.sockets_read_at >= oldest;
    counters.push_back(has_counters ? reading.counters : nullptr);
    tcp.push_back(has_sockets ? reading.tcp : nullptr);
    listeners.push_back(has_sockets ? reading.listeners : nullptr);
    if (!has_counters && !has_sockets) return;
    if (namespaces++ == 0) owner = &reading.owner;
    if (has_counters) counters_read_at = std::max(counters_read_at, reading.counters_read_at);
    if (has_sockets) sockets_read_at = std::max(sockets_read_at, reading.sockets_read_at);
  }
};

void NamespaceAccounts::set_owner(NamespaceReading& reading, OwnerLabels owner) {
  if (*reading.owner == owner) return;
  if (!reading.counted.empty()) {
    reading.counted.clear();
    reading.is_new = false;
  }
  reading.owner = std::move(owner);
}

std::vector<NamespaceSample> NamespaceAccounts::sums(const Readings& readings, const Policy& policy,
                                                     TimePoint now) {
  const TimePoint oldest = now - policy.staleness;
  open_accounts(readings);
  assign_seats(policy, now);
  for (auto& [labels, account] : accounts_) {
    for (NamespaceReading* reading : account.readings) {
      count_kernel(account, *reading);
      count_time_waits(account, *reading);
      count_drops(account, *reading);
    }
  }
  std::vector<NamespaceSample> samples;
  samples.reserve(accounts_.size());
  for (auto& [labels, account] : accounts_) {
    Fresh fresh(account.readings, oldest);
    if (fresh.owner != nullptr) samples.push_back(sum(account, std::move(fresh), policy.staleness));
  }
  return samples;
}

NamespaceSample NamespaceAccounts::sum(Account& account, Fresh fresh,
                                       std::chrono::nanoseconds staleness) const {
  const Seats seats = seats_.seats_of(account.number);
  NamespaceSample sample{.owner = *fresh.owner, .namespaces = fresh.namespaces};
  const auto counters = keep(account.counters, std::move(fresh.counters), {},
                             [&](NamespaceCounters& sum) { carry_kernel(account, sum); });
  account.has_been_shown = account.has_been_shown || counters != nullptr;
  const auto tcp = keep(account.tcp, std::move(fresh.tcp), seats,
                        [&](TcpSnapshot& sum) { carry_time_waits(account, sum); });
  const auto listeners = keep(account.listeners, std::move(fresh.listeners), seats,
                              [&](ListenerSnapshot& sum) { carry_drops(account, sum); });
  sample.counters = {counters, fresh.counters_read_at + staleness};
  sample.tcp = {tcp, fresh.sockets_read_at + staleness};
  sample.listeners = {listeners, fresh.sockets_read_at + staleness};
  return sample;
}

template <typename Value, typename Carry>
std::shared_ptr<const Value> NamespaceAccounts::keep(Kept<Value>& kept, Values<Value> values,
                                                     const Seats& seats, const Carry& carry) {
  if (kept.sum != nullptr && kept.values == values && kept.seats == seats) return kept.sum;
  auto sum = sum_of(values);
  if (!sum) {
    kept = {};
    return nullptr;
  }
  carry(*sum);
  const auto is_same = [&](const auto& value) { return value != nullptr && *value == *sum; };
  const auto same = std::find_if(values.begin(), values.end(), is_same);
  auto shared = same != values.end() ? *same : std::make_shared<const Value>(*std::move(sum));
  kept = {std::move(values), seats, std::move(shared)};
  return kept.sum;
}

void NamespaceAccounts::open_accounts(const Readings& readings) {
  // Those of a round that failed would still be there.
  for (auto& [labels, account] : accounts_) account.readings.clear();
  for (NamespaceReading* reading : readings) {
    const auto [account, is_new] = accounts_.try_emplace(reading->owner);
    if (is_new) account->second.number = ++last_number_;
    account->second.readings.push_back(reading);
  }
  for (const auto& [labels, account] : accounts_) {
    if (account.readings.empty()) seats_.forget(account.number);
  }
  std::erase_if(accounts_, [](const auto& entry) { return entry.second.readings.empty(); });
}

void NamespaceAccounts::assign_seats(const Policy& policy, TimePoint now) {
  seats_.begin();
  for (const auto& [labels, account] : accounts_) {
    const auto tcp = sum_of(Fresh(account.readings, now - policy.staleness).tcp);
    if (tcp) seats_.add(account.number, *tcp);
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
