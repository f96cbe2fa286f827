// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/owner_tally.hpp"

#include <algorithm>
#include <tuple>

#include "sockdiag/core/snapshot_sums.hpp"

namespace sockdiag {
namespace {

std::tuple<Direction, std::uint16_t, std::uint64_t> key_of(const CgroupCounts& counts) {
  return {counts.direction, counts.port, counts.cgroup};
}

}  // namespace

CgroupCounts& OwnerTally::of(std::uint64_t cgroup, Direction direction, std::uint16_t port) {
  const Key key{cgroup, std::uint64_t{index_of(direction)} << 16 | port};
  const auto found = counts_.find(key);
  if (found != counts_.end()) return found->second;
  if (cgroup != 0 && counts_.size() >= kMaxCombinations) return of(0, direction, port);
  const CgroupCounts none{.cgroup = cgroup, .direction = direction, .port = port};
  return counts_.emplace(key, none).first->second;
}

std::vector<CgroupCounts> OwnerTally::counts(
    const std::array<std::vector<std::uint16_t>, kDirections.size()>& seated) const {
  std::vector<CgroupCounts> all;
  all.reserve(counts_.size());
  for (const auto& [key, counts] : counts_) {
    const std::vector<std::uint16_t>& ports = seated[index_of(counts.direction)];
    all.push_back(counts);
    if (!std::binary_search(ports.begin(), ports.end(), counts.port)) all.back().port = 0;
  }
  std::sort(all.begin(), all.end(),
            [](const CgroupCounts& a, const CgroupCounts& b) { return key_of(a) < key_of(b); });
  std::vector<CgroupCounts> merged;
  for (const CgroupCounts& each : all) {
    if (!merged.empty() && key_of(merged.back()) == key_of(each)) {
      add_full_sockets(merged.back(), each);
    } else {
      merged.push_back(each);
    }
  }
  merged.shrink_to_fit();
  return merged;
}

}  // namespace sockdiag
