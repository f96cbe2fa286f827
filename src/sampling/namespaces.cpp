// SPDX-License-Identifier: Apache-2.0
#include "namespaces.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "schedule.hpp"
#include "sockdiag/owners/opener_client.hpp"
#include "sockdiag/procfs/kernel_value_reader.hpp"

namespace sockdiag {
namespace {
using namespace std::chrono_literals;

using Nanoseconds = std::chrono::nanoseconds;

// A search goes on for this part of a turn, so that visits go on, too; and takes this part of the
// budget at most.
constexpr int kPartOfSearch = 2;

constexpr int kRotationsUntilStale = 3;

// Between turns that have more to do. The budget stretches it.
constexpr std::chrono::milliseconds kSoon(100);
constexpr std::chrono::hours kIdle(1);

// What turns take of one CPU that follow each other as soon as they may.
constexpr double kMostOfCpu = std::chrono::duration<double>(Namespaces::kTurn) / kSoon;

double budget_of(const Policies& policies) {
  return std::min(policies.namespaces.cpu_budget, kMostOfCpu);
}

Nanoseconds search_interval(Nanoseconds cost, double budget) {
  return interval_in_force(Namespaces::kSearchInterval, budget / kPartOfSearch, cost);
}

std::vector<std::uint64_t> inodes_of(const std::vector<NetworkNamespace>& found) {
  std::vector<std::uint64_t> inodes;
  inodes.reserve(found.size());
  for (const NetworkNamespace& each : found) inodes.push_back(each.inode);
  std::sort(inodes.begin(), inodes.end());
  return inodes;
}

// "namespace=shop pod=cart-7d9"
std::string text_of(const OwnerLabels& labels) {
  std::string text;
  const auto values = values_of(labels);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].empty()) continue;
    text.append(text.empty() ? "" : " ").append(kOwnerLabelNames[i]).append("=").append(values[i]);
  }
  return text;
}

}  // namespace

SampleResult Namespaces::take_turn(const Policies& policies) {
  if (collect_ != policies.namespaces.collect) *this = Namespaces(std::move(host_));
  collect_ = policies.namespaces.collect;
  turn_began_ = host_.cpu_time();
  turn_began_at_ = host_.now();
  search_when_due(policies);
  visit_due(policies);
  publish_when_due(policies);
  interval_ = time_until_next(policies);
  return {true, problem(), !has_been_through()};
}

std::string Namespaces::problem() const {
  std::string text;
  for (const std::string& each : {search_problem_, opener_problem_, problem_of_all()}) {
    if (!each.empty()) text.append(text.empty() ? "" : "; ").append(each);
  }
  return text;
}

bool Namespaces::has_been_through() const noexcept {
  return !search_ && std::all_of(visited_.begin(), visited_.end(),
                                 [](const Visited& visited) { return visited.status.has_value(); });
}

std::string Namespaces::problem_of_all() const {
  const auto has_failed = [](const Visited& visited) {
    return visited.status == NamespaceStatus::failed;
  };
  if (visited_.empty() || !std::all_of(visited_.begin(), visited_.end(), has_failed)) return {};
  return "no network namespace can be read: " + visited_.front().problem;
}

Nanoseconds Namespaces::interval(const Policies& policies) const {
  if (policies.namespaces.collect == NamespaceCollect::none) return kIdle;
  return policies.namespaces.collect == collect_ ? interval_ : kSoon;
}

bool Namespaces::is_due(TimePoint at) const { return at <= host_.now() + kSoon; }

bool Namespaces::has_used(Nanoseconds most) const {
  return host_.cpu_time() - turn_began_ >= most || host_.now() - turn_began_at_ >= kLongestTurn;
}

void Namespaces::search_when_due(const Policies& policies) {
  if (!search_ && !is_due(search_due_)) return;
  const Nanoseconds began = host_.cpu_time();
  if (!search_) search_cost_ = {};
  try {
    search(policies.namespaces.max_namespaces);
    search_problem_.clear();
  } catch (const std::runtime_error& error) {
    search_.reset();
    search_problem_ = error.what();
  }
  search_cost_ += host_.cpu_time() - began;
  search_due_ = host_.now() + search_interval(search_cost_, budget_of(policies));
}

void Namespaces::search(std::size_t most) {
  if (!search_) search_.emplace(host_.procfs);
  const Nanoseconds share = Nanoseconds(kTurn) / kPartOfSearch;
  if (!search_->go_on([this, share] { return has_used(share); })) return;
  const std::vector<NetworkNamespace> found = std::exchange(search_, std::nullopt)->found();
  follow(found, most);
  inodes_ = inodes_of(found);
  log_hidden();
  name_owners();
  changed_ = changed_ || snapshot_ == nullptr;
}

// Namespaces that are visited already stay; new ones come after them while there is room.
void Namespaces::follow(std::vector<NetworkNamespace> found, std::size_t most) {
  std::unordered_map<std::uint64_t, NetworkNamespace*> by_inode;
  for (NetworkNamespace& each : found) by_inode.emplace(each.inode, &each);
  const auto take_pids = [&](Visited& visited) {
    const auto place = by_inode.find(visited.found.inode);
    visited.found.pids.clear();
    if (place != by_inode.end()) visited.found.pids.swap(place->second->pids);
  };
  std::for_each(visited_.begin(), visited_.end(), take_pids);
  forget_gone();
  if (visited_.size() > most) visited_.resize(most);
  visited_.reserve(std::min(most, found.size()));  // no more than that: entries are large
  for (NetworkNamespace& each : found) {
    if (visited_.size() >= most) break;
    if (each.pids.empty()) continue;
    visited_.push_back({.found = std::move(each)});
    visited_.back().reading.is_new = is_new(visited_.back().found.inode);
  }
  const auto skipped = static_cast<std::uint32_t>(found.size() - visited_.size());
  changed_ = changed_ || skipped != skipped_;
  skipped_ = skipped;
}

bool Namespaces::is_new(std::uint64_t inode) const {
  return inodes_ && !std::binary_search(inodes_->begin(), inodes_->end(), inode);
}

void Namespaces::forget_gone() {
  const auto is_gone = [](const Visited& visited) { return visited.found.pids.empty(); };
  changed_ = std::erase_if(visited_, is_gone) > 0 || changed_;
}

void Namespaces::name_owners() {
  host_.refresh_owners();
  for (Visited& visited : visited_) {
    auto owner = owner_of(visited.found, host_.procfs, host_.owner_of_cgroup);
    if (!owner) continue;  // it has ended, as the next visit finds
    if (owner->labels == *visited.reading.owner) continue;
    changed_ = true;
    if (visited.status) forget_reading(visited);
    NamespaceAccounts::set_owner(visited.reading, std::move(owner->labels));
  }
}

// Another owner: perhaps another namespace that has got the inode of one that has ended.
void Namespaces::forget_reading(Visited& visited) {
  PortCounters counted = std::move(visited.reading.counted_ports);
  visited.reading = {};
  visited.reading.counted_ports = std::move(counted);
  visited.status = std::nullopt;
}

void Namespaces::visit_due(const Policies& policies) {
  const Nanoseconds every = rotation(policies);
  std::vector<Visited*> due;
  for (Visited& visited : visited_) {
    if (!visited.status || is_due(visited.visited_at + every)) due.push_back(&visited);
  }
  std::stable_sort(due.begin(), due.end(), [](const Visited* a, const Visited* b) {
    return a->visited_at < b->visited_at;
  });
  for (Visited* visited : due) {
    if (has_used(kTurn)) break;
    visit(*visited, policies);
  }
  forget_gone();
}

void Namespaces::visit(Visited& visited, const Policies& policies) {
  const Nanoseconds began = host_.cpu_time();
  visited.visited_at = host_.now();
  visited.problem.clear();
  try {
    read(visited, policies);
  } catch (const std::runtime_error& error) {
    visited.status = NamespaceStatus::failed;
    visited.problem = error.what();
    log_failure(visited);
  }
  visited.cost = host_.cpu_time() - began;
  changed_ = true;
}

// Reads through the first process that is in the namespace from before until after; through none if
// all have ended, and then forgets them.
void Namespaces::read(Visited& visited, const Policies& policies) {
  for (const std::int32_t pid : visited.found.pids) {
    const NamespaceEntry entry{host_.procfs / std::to_string(pid), pid, visited.found.inode};
    const auto is_there = [&] { return network_namespace_of(entry.process) == entry.inode; };
    if (!is_there()) continue;
    try {
      NamespaceCounters counters = read_namespace_counters(entry.process);
      if (!is_there()) continue;
      take_counters(visited, std::move(counters));
      if (collect_ == NamespaceCollect::sockets) read_sockets(visited, entry, policies);
      return;
    } catch (const std::runtime_error&) {
      if (is_there()) throw;
    }
  }
  visited.found.pids.clear();
}

void Namespaces::take_counters(Visited& visited, NamespaceCounters counters) {
  if (!counters.kernel.problems.empty()) throw std::runtime_error(counters.kernel.problems.front());
  visited.reading.counters = std::make_shared<const NamespaceCounters>(std::move(counters));
  visited.reading.counters_read_at = host_.now();
  visited.status = NamespaceStatus::counted;
}

void Namespaces::read_sockets(Visited& visited, const NamespaceEntry& entry,
                              const Policies& policies) {
  if (!opener_problem_.empty() && host_.now() < opener_due_) return;
  const auto open = [&](const NamespaceEntry& each) {
    return open_through_opener(policies.namespaces.opener_socket, each);
  };
  if (visited.sockets == nullptr) {
    visited.sockets = std::make_unique<NamespaceSockets>(host_.scratch);
  }
  try {
    visited.sockets->visit(entry, policies, open);
  } catch (const OpenerError& error) {
    opener_problem_ = error.what();
    opener_due_ = host_.now() + kOpenerPause;
    return;
  }
  visited.reading.tcp = visited.sockets->sockets();
  visited.reading.listeners = visited.sockets->listeners();
  visited.reading.sockets_read_at = host_.now();
  visited.status = NamespaceStatus::sampled;
}

// An opener that refuses one namespace is there.
OpenedNamespace Namespaces::open_through_opener(const std::string& path,
                                                const NamespaceEntry& entry) {
  try {
    OpenedNamespace opened = host_.open(path, entry);
    opener_problem_.clear();
    return opened;
  } catch (const OpenerRefused&) {
    opener_problem_.clear();
    throw;
  }
}

// The first process is there on every host; it is another user's where the exporter has its own.
void Namespaces::log_hidden() {
  if (says_hidden_ || network_namespace_of(host_.procfs / "1")) return;
  says_hidden_ = true;
  spdlog::warn(
      "{} hides the processes of other users (hidepid, ProtectProc=), so that their network "
      "namespaces are not found; a service sees them with ProtectProc=default in a drop-in "
      "(systemctl edit sockdiag_exporter)",
      host_.procfs.string());
}

// Logs one line, however many namespaces fail.
void Namespaces::log_failure(const Visited& visited) {
  if (std::exchange(failing_, true)) return;
  spdlog::warn("a network namespace cannot be read ({}, process {}): {}",
               text_of(*visited.reading.owner), visited.found.pids.front(), visited.problem);
}

void Namespaces::publish_when_due(const Policies& policies) {
  const bool has_all = has_been_through();
  const bool is_soon = snapshot_ != nullptr && !is_due(published_at_ + policies.sampling.interval);
  if (!changed_ || (is_soon && (published_all_ || !has_all))) return;
  published_all_ = published_all_ || has_all;
  const TimePoint now = host_.now();
  NamespacesSnapshot snapshot{.rotation = rotation(policies)};
  NamespaceAccounts::Readings readings;
  for (Visited& visited : visited_) {
    readings.push_back(&visited.reading);
    if (visited.status) ++snapshot.statuses[index_of(*visited.status)];
  }
  snapshot.statuses[index_of(NamespaceStatus::skipped)] = skipped_;
  const NamespaceAccounts::Policy accounts{
      .staleness = std::max<Nanoseconds>(policies.sampling.max_staleness,
                                         kRotationsUntilStale * snapshot.rotation),
      .seats = {policies.namespaces.max_ports, policies.tcp.ports.port_retention}};
  snapshot.samples = accounts_.sums(readings, accounts, now);
  log_recovery(snapshot);
  snapshot_ = std::make_shared<const NamespacesSnapshot>(std::move(snapshot));
  published_at_ = now;
  changed_ = false;
}

void Namespaces::log_recovery(const NamespacesSnapshot& snapshot) {
  if (!failing_ || snapshot.statuses[index_of(NamespaceStatus::failed)] > 0) return;
  failing_ = false;
  spdlog::info("all network namespaces that are visited can be read again");
}

Nanoseconds Namespaces::rotation(const Policies& policies) const {
  const double budget = budget_of(policies);
  const double of_searches = share_of_cpu(search_cost_, search_interval(search_cost_, budget));
  Nanoseconds cost{};
  for (const Visited& visited : visited_) cost += visited.cost;
  const Nanoseconds least = collect_ == NamespaceCollect::sockets ? 0s : kCountersInterval;
  const auto asked = std::max<Nanoseconds>(policies.sampling.interval, least);
  return interval_in_force(asked, budget - of_searches, cost);
}

Nanoseconds Namespaces::time_until_next(const Policies& policies) const {
  if (search_) return kSoon;
  const Nanoseconds every = rotation(policies);
  TimePoint next = search_due_;
  for (const Visited& visited : visited_) {
    next = std::min(next, visited.status ? visited.visited_at + every : TimePoint());
  }
  if (changed_) next = std::min(next, published_at_ + policies.sampling.interval);
  return next <= host_.now() + kSoon ? kSoon : next - host_.now();
}

}  // namespace sockdiag
