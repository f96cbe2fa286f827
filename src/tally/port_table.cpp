// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/port_table.hpp"

#include <algorithm>

#include "sockdiag/core/snapshot_sums.hpp"

namespace sockdiag {

PortTable::Port& PortTable::add(std::uint16_t port) {
  counts_.emplace_back().port = port;
  slots_[port] = static_cast<std::uint16_t>(counts_.size());
  return counts_.back();
}

std::vector<PortSeats::Candidate> PortTable::candidates() const {
  std::vector<PortSeats::Candidate> all;
  all.reserve(counts_.size());
  for (const PortCounts& counts : counts_) all.push_back({counts.port, connections(counts)});
  return all;
}

DirectionCounts PortTable::counts(const std::vector<std::uint16_t>& seated) const {
  DirectionCounts result;
  result.ports.reserve(seated.size());
  for (const std::uint16_t port : seated) {
    const std::uint16_t slot = slots_[port];
    result.ports.push_back({.port = port});
    if (slot == 0) continue;
    const PortCounts& counted = counts_[slot - 1U];
    result.ports.back() = counted;
  }
  const PortCounts& other = other_;
  result.other = other;
  if (folded_.any()) {
    result.folded_ports = static_cast<std::uint32_t>(folded_.count() - (folded_[0] ? 1 : 0));
  }
  for (const PortCounts& counts : counts_) {
    if (std::binary_search(seated.begin(), seated.end(), counts.port)) continue;
    add_counts(result.other, counts);
    ++result.folded_ports;
  }
  return result;
}

void PortTable::clear() noexcept {
  for (const PortCounts& counts : counts_) slots_[counts.port] = 0;
  counts_.clear();
  other_ = {};
  folded_.reset();
}

}  // namespace sockdiag
