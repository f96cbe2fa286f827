// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/owner_tally.hpp"

#include <algorithm>
#include <tuple>

#include "sockdiag/core/snapshot_sums.hpp"

namespace sockdiag {
namespace {

// Counts in the order of a snapshot.
struct Row {
  Direction direction;
  std::uint16_t port;  // 0 without a seat
  std::uint64_t cgroup;
  const CgroupCounts* counts;

  [[nodiscard]] auto key() const noexcept { return std::tuple(direction, port, cgroup); }
};

}  // namespace

CgroupCounts& OwnerTally::of(std::uint64_t cgroup, Direction direction, std::uint16_t port) {
  const auto found = index_.find(Key(cgroup, direction, port));
  return found != index_.end() ? **found : add(cgroup, direction, port);
}

CgroupCounts& OwnerTally::add(std::uint64_t cgroup, Direction direction, std::uint16_t port) {
  if (cgroup != 0 && counts_.size() >= kMaxCombinations) return of(0, direction, port);
  counts_.push_back({.cgroup = cgroup, .direction = direction, .port = port});
  return **index_.insert(&counts_.back()).first;
}

std::vector<CgroupCounts> OwnerTally::counts(
    const std::array<std::vector<std::uint16_t>, kDirections.size()>& seated) const {
  std::vector<Row> rows;
  rows.reserve(counts_.size());
  for (const CgroupCounts& each : counts_) {
    const std::vector<std::uint16_t>& ports = seated[index_of(each.direction)];
    const bool is_seated = std::binary_search(ports.begin(), ports.end(), each.port);
    rows.push_back({each.direction, is_seated ? each.port : std::uint16_t{0}, each.cgroup, &each});
  }
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.key() < b.key(); });
  std::vector<CgroupCounts> merged;
  merged.reserve(rows.size());
  const Row* last = nullptr;
  for (const Row& row : rows) {
    if (last != nullptr && last->key() == row.key()) {
      add_full_sockets(merged.back(), *row.counts);
    } else {
      merged.push_back(*row.counts);
      merged.back().port = row.port;
    }
    last = &row;
  }
  merged.shrink_to_fit();
  return merged;
}

void OwnerTally::clear() noexcept {
  for (CgroupCounts& each : counts_) index_.erase(&each);
  counts_.clear();
}

}  // namespace sockdiag
