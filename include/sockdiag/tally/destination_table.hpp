// SPDX-License-Identifier: Apache-2.0
#pragma once

// Finds the destinations that use the most ephemeral ports. The kernel can give the same port to
// connections that differ in source address, destination address or destination port. So ports run
// out for one such triple at a time. Each of its connections holds one port, also in TIME_WAIT.
//
// Counts exactly up to kMaxDestinations triples in a sample. Beyond that it drops rare triples by
// the method of Misra and Gries ("Finding repeated elements", 1982): a count is then too low by at
// most sockets / (kMaxDestinations + 1), and a triple with more sockets than that is never missed.
//
// Not thread-safe. Memory: 44 bytes a bucket, at most 1.4 MiB.

#include <tsl/robin_map.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sockdiag/core/hash.hpp"
#include "sockdiag/core/tcp_snapshot.hpp"

namespace sockdiag {

class DestinationTable {
 public:
  static constexpr std::size_t kMaxDestinations = 16384;

  struct Hash : SeededHash {
    using SeededHash::SeededHash;
    [[nodiscard]] std::size_t operator()(const Destination& destination) const noexcept;
  };

  // Counts one more socket. Throws std::bad_alloc.
  void add(const Destination& destination);

  // Returns the `count` busiest destinations, the busiest first.
  [[nodiscard]] std::vector<DestinationUse> busiest(std::size_t count) const;

  // An empty table is not walked: the largest sample so far has set its size.
  void clear() {
    if (!counts_.empty()) counts_.clear();
  }

 private:
  using Counts = tsl::robin_map<Destination, std::uint32_t, Hash>;

  void take_one_from_each();

  Counts counts_;
};

}  // namespace sockdiag
