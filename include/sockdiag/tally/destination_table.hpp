// SPDX-License-Identifier: Apache-2.0
#pragma once

// The destinations that use the most ephemeral ports. A port can be used again for every other
// (source address, destination address, destination port), so what runs out is the ports of one
// such triple; each of its connections holds one, TIME_WAIT included.
//
// Counted exactly while a sample has at most kMaxDestinations triples. With more, rare ones are
// dropped by the method of Misra and Gries ("Finding repeated elements", 1982): a count shown is
// then too low by at most sockets / (kMaxDestinations + 1), and a triple with more sockets than
// that is never missed.
//
// Not thread-safe. Memory: 44 bytes a bucket, 1.4 MiB at most.

#include <tsl/robin_map.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sockdiag/core/destination.hpp"
#include "sockdiag/core/hash.hpp"

namespace sockdiag {

class DestinationTable {
 public:
  static constexpr std::size_t kMaxDestinations = 16384;

  // One more socket.
  void add(const Destination& destination);

  // The `count` busiest, the busiest first.
  [[nodiscard]] std::vector<DestinationUse> busiest(std::size_t count) const;

  void clear() { counts_.clear(); }

 private:
  struct Hash {
    std::uint64_t seed = process_seed();
    std::uint64_t other_seed = hash_of(seed);
    [[nodiscard]] std::size_t operator()(const Destination& destination) const noexcept;
  };
  using Counts = tsl::robin_map<Destination, std::uint32_t, Hash>;

  void take_one_from_each();

  Counts counts_;
};

}  // namespace sockdiag
