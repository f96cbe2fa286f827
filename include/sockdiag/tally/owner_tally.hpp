// SPDX-License-Identifier: Apache-2.0
#pragma once

// Counts the full sockets of one dump by the cgroup in which they were made, direction and port.
// Most ports have one owner. So the caller keeps for each port the counts of its last socket's
// cgroup, and only a socket of another cgroup is looked up.
//
// Not thread-safe. Memory: some 150 bytes for each combination of cgroup, direction and port, of
// which there are at most kMaxCombinations. Sockets of further cgroups are counted as of cgroup 0:
// one more combination for each of their ports.

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "sockdiag/core/direction.hpp"
#include "sockdiag/core/hash.hpp"
#include "sockdiag/core/tcp_snapshot.hpp"
#include "sockdiag/core/tcp_state.hpp"

namespace sockdiag {

class OwnerTally {
 public:
  static constexpr std::size_t kMaxCombinations = 16384;

  // Returns the counts of one combination, which are valid until clear(). They are those of cgroup
  // 0 if there is no room for another one. Throws std::bad_alloc.
  [[nodiscard]] CgroupCounts& of(std::uint64_t cgroup, Direction direction, std::uint16_t port);

  // Returns the counts by direction, port and cgroup. `seated`: by direction, the ascending ports
  // that have series; all other ports become 0.
  [[nodiscard]] std::vector<CgroupCounts> counts(
      const std::array<std::vector<std::uint16_t>, kDirections.size()>& seated) const;

  // An empty table is not walked: the largest sample so far has set its size.
  void clear() noexcept {
    if (!counts_.empty()) counts_.clear();
  }

 private:
  struct Key {
    std::uint64_t cgroup = 0;
    std::uint64_t direction_and_port = 0;
    friend bool operator==(const Key&, const Key&) noexcept = default;
  };
  // Users of the host can make cgroups until their ids collide, but for the seed.
  struct Hash : SeededHash {
    using SeededHash::SeededHash;
    [[nodiscard]] std::size_t operator()(const Key& key) const noexcept {
      return static_cast<std::size_t>(
          hash_of(std::array{key.cgroup, key.direction_and_port}, seed));
    }
  };

  std::unordered_map<Key, CgroupCounts, Hash> counts_;  // references to its values stay valid
};

}  // namespace sockdiag
