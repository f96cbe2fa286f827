// SPDX-License-Identifier: Apache-2.0
#include "owner_source.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

#include "sockdiag/core/snapshot_sums.hpp"

namespace sockdiag {
namespace {

Owner folded_owner() {
  Owner owner;
  owner.labels.unit = kFoldedOwners;
  return owner;
}

std::uint64_t sockets_of(const OwnerCounts& counts) {
  return std::accumulate(counts.sockets.begin(), counts.sockets.end(), std::uint64_t{0});
}

bool has_series(const TcpSnapshot& tcp, Direction direction, std::uint16_t port) {
  const auto& ports = tcp.of(direction).ports;
  return port == 0 || std::any_of(ports.begin(), ports.end(),
                                  [&](const PortCounts& each) { return each.port == port; });
}

std::vector<std::uint64_t> cgroups_of(const TcpSnapshot& tcp) {
  std::vector<std::uint64_t> ids;
  for (const CgroupCounts& counts : tcp.by_cgroup) ids.push_back(counts.cgroup);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  std::erase(ids, 0);
  return ids;
}

}  // namespace

OwnerSource::OwnerSource(OwnerNames names, std::function<Clock::time_point()> now)
    : names_(std::move(names)), now_(std::move(now)) {}

SampleResult OwnerSource::sample(const std::shared_ptr<const TcpSnapshot>& tcp,
                                 const Policies& policies) {
  if (tcp == nullptr || tcp == sampled_) return {.attempted = false};
  snapshot_ = nullptr;  // counts of another dump would not add up to those of this one
  sampled_ = tcp;
  look_for_names(*tcp);
  Counts counts = counts_of(*tcp);
  fold_owners(counts, policies);
  fold_combinations(counts, *tcp, policies);
  publish(counts);
  const bool lacks_names = lacks_owners_ || lacks_pod_names_;
  return {.problem = lacks_names && names_.sees_tree() ? names_.problem() : ""};
}

void OwnerSource::look_for_names(const TcpSnapshot& tcp) {
  const std::vector<std::uint64_t> ids = cgroups_of(tcp);
  const auto is_any_unknown = [&] {
    return std::any_of(ids.begin(), ids.end(),
                       [&](std::uint64_t id) { return names_.find(id) == nullptr; });
  };
  lacks_owners_ = is_any_unknown();
  if (!lacks_owners_ && !lacks_pod_names_) return;
  const auto now = now_();
  if (!walked_ || now - *walked_ >= (lacks_owners_ ? kBetweenWalks : kBetweenLooksForPods)) {
    names_.refresh(ids);
    walked_ = now;
    lacks_owners_ = is_any_unknown();
  }
  if (lacks_owners_ && !names_.sees_tree()) throw std::runtime_error(names_.problem());
}

const Owner& OwnerSource::owner_of(std::uint64_t cgroup) const {
  static const Owner folded = folded_owner();
  const Owner* const owner = names_.find(cgroup);
  return owner != nullptr ? *owner : folded;
}

OwnerSource::Counts OwnerSource::counts_of(const TcpSnapshot& tcp) {
  Counts counts;
  lacks_pod_names_ = false;
  if (cgroups_of(tcp).empty()) return counts;  // kernels before 5.8 tell no cgroup
  for (const CgroupCounts& each : tcp.by_cgroup) {
    const Owner& owner = owner_of(each.cgroup);
    const auto [known, is_new] = owners_.try_emplace(owner.labels, owner);
    // A container that was started again has the labels of the one before.
    if (!is_new && known->second.container_id != owner.container_id) known->second = owner;
    lacks_pod_names_ = lacks_pod_names_ || !owner.labels.pod_uid.empty();
    add_full_sockets(counts[{{each.direction, each.port}, owner.labels}], each);
  }
  return counts;
}

// Moves the counts of owners without a seat to those that are folded.
void OwnerSource::fold_owners(Counts& counts, const Policies& policies) {
  const OwnerLabels folded = folded_owner().labels;
  Seats<OwnerLabels>::InUse in_use;
  for (const auto& [key, each] : counts) {
    if (key.labels != folded) in_use[key.labels] += sockets_of(each);
  }
  owner_seats_.assign(in_use, policies.owners.max_owners, now_(), policies.tcp.ports.port_retention,
                      [&](const OwnerLabels& labels) { return !names_.exists(labels); });
  Counts kept;
  for (const auto& [key, each] : counts) {
    const bool is_kept = owner_seats_.has(key.labels);
    add_full_sockets(kept[{key.place, is_kept ? key.labels : folded}], each);
  }
  counts.swap(kept);
}

// The same for combinations, so that the sums over the owners of a port stay the same. Those that
// have a seat and no socket at present keep their series.
void OwnerSource::fold_combinations(Counts& counts, const TcpSnapshot& tcp,
                                    const Policies& policies) {
  const OwnerLabels folded = folded_owner().labels;
  combination_seats_.erase_if([&](const Combination& key) {
    return !owner_seats_.has(key.labels) || !has_series(tcp, key.place.direction, key.place.port);
  });
  Seats<Combination>::InUse in_use;
  for (const auto& [key, each] : counts) {
    if (key.labels != folded) in_use[key] = sockets_of(each);
  }
  combination_seats_.assign(in_use, policies.owners.max_ports, now_(),
                            policies.tcp.ports.port_retention,
                            [&](const Combination& key) { return !names_.exists(key.labels); });
  Counts kept;
  combination_seats_.for_each([&](const Combination& key) { kept[key]; });
  for (const auto& [key, each] : counts) {
    const bool is_kept = combination_seats_.has(key);
    add_full_sockets(kept[is_kept ? key : Combination{key.place, folded}], each);
  }
  counts.swap(kept);
}

void OwnerSource::publish(const Counts& counts) {
  auto snapshot = std::make_shared<OwnerSnapshot>();
  std::map<OwnerLabels, std::size_t> indices;
  std::map<Combination, Seen> seen;
  for (const auto& [key, counted] : counts) {
    OwnerCounts each = counted;
    const auto [index, is_new] = indices.try_emplace(key.labels, snapshot->owners.size());
    if (is_new) {
      const auto known = owners_.find(key.labels);
      snapshot->owners.push_back(known != owners_.end() ? known->second : folded_owner());
    }
    each.owner = index->second;
    each.direction = key.place.direction;
    each.port = key.place.port;
    if (const auto last = seen_.find(key); last != seen_.end()) each.seen = last->second;
    each.seen.add_states(each.sockets);
    seen[key] = each.seen;
    snapshot->counts.push_back(each);
  }
  std::erase_if(owners_, [&](const auto& each) { return !indices.contains(each.first); });
  seen_.swap(seen);
  snapshot_ = std::move(snapshot);
}

}  // namespace sockdiag
