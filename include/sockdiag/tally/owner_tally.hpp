// SPDX-License-Identifier: Apache-2.0
#pragma once

// Counts the full sockets of one dump by the cgroup in which they were made, direction and port.
// Most ports have one owner. So the caller keeps for each port the slot that its last socket had,
// and only a socket of another cgroup is looked up.
//
// Not thread-safe. Memory: some 150 bytes for each combination of cgroup, direction and port, of
// which there are at most kMaxCombinations. Sockets of further cgroups are counted as of cgroup 0:
// one more combination for each of their ports.

#include <tsl/robin_map.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sockdiag/core/direction.hpp"
#include "sockdiag/core/hash.hpp"
#include "sockdiag/core/tcp_snapshot.hpp"
#include "sockdiag/core/tcp_state.hpp"

namespace sockdiag {

class OwnerTally {
 public:
  // The place of one combination, until clear(). 0: none.
  using Slot = std::uint32_t;

  static constexpr std::size_t kMaxCombinations = 16384;

  // Counts one more socket of `cgroup` and returns its slot. `last`: what the last call for the
  // same direction and port returned since clear(), or 0. Throws std::bad_alloc.
  Slot add(Slot last, std::uint64_t cgroup, Direction direction, std::uint16_t port,
           TcpState state) {
    const Slot slot =
        last != 0 && counts_[last - 1].cgroup == cgroup ? last : slot_of(cgroup, direction, port);
    ++at(slot).sockets[index_of(state)];
    return slot;
  }

  // Returns the counts of a slot other than 0. The reference is valid until the next add().
  [[nodiscard]] CgroupCounts& at(Slot slot) noexcept { return counts_[slot - 1]; }

  // Returns the counts by direction, port and cgroup. `seated`: by direction, the ascending ports
  // that have series; all other ports become 0.
  [[nodiscard]] std::vector<CgroupCounts> counts(
      const std::array<std::vector<std::uint16_t>, kDirections.size()>& seated) const;

  void clear() noexcept;

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

  [[nodiscard]] Slot slot_of(std::uint64_t cgroup, Direction direction, std::uint16_t port);

  std::vector<CgroupCounts> counts_;
  tsl::robin_map<Key, Slot, Hash> slots_;
};

}  // namespace sockdiag
