// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/destination_table.hpp"

#include <algorithm>
#include <tuple>

namespace sockdiag {
namespace {

// Compares addresses if counts are equal, so that ranks do not change while the host does not.
bool is_busier(const DestinationUse& a, const DestinationUse& b) {
  const auto key = [](const DestinationUse& use) {
    const Destination& to = use.destination;
    return std::tuple(to.address.high(), to.address.low(), to.port, to.source.high(),
                      to.source.low());
  };
  if (a.ephemeral_ports != b.ephemeral_ports) return a.ephemeral_ports > b.ephemeral_ports;
  return key(a) < key(b);
}

}  // namespace

std::size_t DestinationTable::Hash::operator()(const Destination& destination) const noexcept {
  const auto& [source, address, port] = destination;
  const std::array<std::uint64_t, 6> key = {source.high(), source.low(), address.high(),
                                            address.low(), port,         0};
  return static_cast<std::size_t>(hash_of(key, seed));
}

void DestinationTable::add(const Destination& destination) {
  const auto found = counts_.find(destination);
  if (found != counts_.end()) {
    ++found.value();
  } else if (counts_.size() < kMaxDestinations) {
    counts_.insert({destination, 1});
  } else {
    take_one_from_each();  // also from the new one, which is therefore not added
  }
}

// Most destinations have one socket, so few remain. Inserting those into an empty table is cheaper
// than erasing the others one by one.
void DestinationTable::take_one_from_each() {
  std::vector<DestinationUse> left;
  for (const auto& [destination, ports] : counts_) {
    if (ports > 1) left.push_back({destination, ports - 1});
  }
  counts_.clear();
  for (const DestinationUse& use : left) counts_.insert({use.destination, use.ephemeral_ports});
}

std::vector<DestinationUse> DestinationTable::busiest(std::size_t count) const {
  std::vector<DestinationUse> all;
  all.reserve(counts_.size());
  for (const auto& [destination, ports] : counts_) all.push_back({destination, ports});
  const std::size_t kept = std::min(count, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(kept), all.end(),
                    is_busier);
  all.resize(kept);
  all.shrink_to_fit();
  return all;
}

}  // namespace sockdiag
