// SPDX-License-Identifier: Apache-2.0
#include "namespace_accounts.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "sockdiag/core/snapshot_sums.hpp"

namespace sockdiag {
namespace {

// Returns by how much a counter has grown, and remembers it. One that has fallen began anew.
std::uint64_t growth(std::uint64_t& counted, std::uint64_t now) noexcept {
  const std::uint64_t before = std::exchange(counted, now);
  return now < before ? now : now - before;
}

struct Sum {
  NamespaceSample sample{.namespaces = 0};
  NamespaceCounters counters;
  NamespaceAccounts::TimePoint read_at;
};

void add_counters(NamespaceCounters& to, const NamespaceCounters& from,
                  const std::vector<std::uint64_t>& account) {
  add_gauges(to, from);
  to.kernel.values.resize(account.size());
  for (std::size_t i = 0; i < account.size(); ++i) {
    if (from.kernel.values[i]) to.kernel.values[i] = account[i];
  }
}

void add(Sum& sum, const NamespaceReading& reading, const std::vector<std::uint64_t>& account) {
  if (sum.sample.namespaces++ == 0) sum.sample.owner = reading.owner;
  add_counters(sum.counters, *reading.counters, account);
  sum.read_at = std::max(sum.read_at, reading.read_at);
}

NamespaceSample sample_of(Sum sum, std::chrono::nanoseconds staleness) {
  sum.sample.counters = {std::make_shared<const NamespaceCounters>(std::move(sum.counters)),
                         sum.read_at + staleness};
  return std::move(sum.sample);
}

}  // namespace

void NamespaceAccounts::set_owner(NamespaceReading& reading, Owner owner) {
  const bool is_another = reading.owner.labels != owner.labels;
  reading.owner = std::move(owner);
  if (!is_another) return;
  reading.counted.clear();
  if (reading.counters != nullptr) count(reading);
}

void NamespaceAccounts::count(NamespaceReading& reading, NamespaceCounters counters,
                              TimePoint now) {
  reading.counters = std::make_shared<const NamespaceCounters>(std::move(counters));
  reading.read_at = now;
  count(reading);
}

void NamespaceAccounts::count(NamespaceReading& reading) {
  const auto& values = reading.counters->kernel.values;
  auto& account = accounts_[reading.owner.labels].kernel;
  account.resize(values.size());
  reading.counted.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i]) account[i] += growth(reading.counted[i], *values[i]);
  }
}

std::vector<NamespaceSample> NamespaceAccounts::sums(const Readings& readings,
                                                     std::chrono::nanoseconds staleness,
                                                     TimePoint now) {
  forget_owners_without(readings);
  std::map<OwnerLabels, Sum> sums;
  for (const NamespaceReading* reading : readings) {
    if (reading->counters == nullptr || now > reading->read_at + staleness) continue;
    const OwnerLabels& labels = reading->owner.labels;
    add(sums[labels], *reading, accounts_.at(labels).kernel);
  }
  std::vector<NamespaceSample> samples;
  for (auto& [labels, sum] : sums) samples.push_back(sample_of(std::move(sum), staleness));
  return samples;
}

void NamespaceAccounts::forget_owners_without(const Readings& readings) {
  for (auto& [labels, account] : accounts_) account.has_reading = false;
  for (const NamespaceReading* reading : readings) {
    const auto account = accounts_.find(reading->owner.labels);
    if (account != accounts_.end()) account->second.has_reading = true;
  }
  std::erase_if(accounts_, [](const auto& account) { return !account.second.has_reading; });
}

}  // namespace sockdiag
