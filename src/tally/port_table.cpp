// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/port_table.hpp"

namespace sockdiag {

std::uint16_t PortTable::add(std::uint16_t port) {
  counts_.push_back(PortCounts{.port = port});
  return static_cast<std::uint16_t>(counts_.size());
}

void PortTable::clear() noexcept {
  for (const PortCounts& counts : counts_) slots_[counts.port] = 0;
  counts_.clear();
  other_ = {};
  folded_.reset();
}

}  // namespace sockdiag
