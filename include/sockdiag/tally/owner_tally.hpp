// SPDX-License-Identifier: Apache-2.0
#pragma once

// Counts the full sockets of one dump by the cgroup in which they were made, direction and port.
// Most ports have one owner. So the caller keeps for each port the counts of its last socket's
// cgroup, and only a socket of another cgroup is looked up.
//
// Not thread-safe. Memory: some 135 bytes for each combination of cgroup, direction and port until
// clear(), and an index of 16 bytes a bucket, two to four buckets for each combination of the
// largest dump so far. There are at most kMaxCombinations, some 3 MB. Sockets of further cgroups
// are counted as of cgroup 0: one more combination for each of their ports.

#include <tsl/robin_set.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
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

  // Takes time in proportion to the combinations: a sparse index is not walked.
  void clear() noexcept;

 private:
  struct Key {
    Key(std::uint64_t of, Direction direction, std::uint16_t port) noexcept
        : cgroup(of), place(std::uint64_t{index_of(direction)} << 16 | port) {}
    // Not explicit: an entry of the index is its key, too.
    Key(const CgroupCounts* counts) noexcept
        : Key(counts->cgroup, counts->direction, counts->port) {}
    friend bool operator==(const Key&, const Key&) noexcept = default;

    std::uint64_t cgroup;
    std::uint64_t place;
  };
  // Users of the host can make cgroups until their ids collide, but for the seed.
  struct Hash : SeededHash {
    using SeededHash::SeededHash;
    [[nodiscard]] std::size_t operator()(const Key& key) const noexcept {
      return static_cast<std::size_t>(hash_of(std::array{key.cgroup, key.place}, seed));
    }
  };
  struct Equal {
    using is_transparent = void;  // a Key is found without counts
    [[nodiscard]] bool operator()(const Key& a, const Key& b) const noexcept { return a == b; }
  };
  // With the hashes, so that other combinations are passed over unread.
  using Index = tsl::robin_set<CgroupCounts*, Hash, Equal, std::allocator<CgroupCounts*>, true>;

  // Returns the same as of(), for a combination that has no counts yet.
  CgroupCounts& add(std::uint64_t cgroup, Direction direction, std::uint16_t port);

  std::deque<CgroupCounts> counts_;  // references to its elements stay valid
  Index index_;
};

}  // namespace sockdiag
