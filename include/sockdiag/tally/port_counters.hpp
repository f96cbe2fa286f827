// SPDX-License-Identifier: Apache-2.0
#pragma once

// Counters by port that never fall, whatever becomes of the ports: port 0 is for all that have no
// series of their own when something is counted. At most 65 536 of them. Not thread-safe.

#include <cstdint>
#include <unordered_map>

namespace sockdiag {

class PortCounters {
 public:
  // What may fail of counting: after it, add() on the same port does not throw.
  void make_room(std::uint16_t port) { counts_.try_emplace(port, 0); }

  void add(std::uint16_t port, std::uint64_t count) { counts_[port] += count; }

  [[nodiscard]] std::uint64_t at(std::uint16_t port) const {
    const auto found = counts_.find(port);
    return found == counts_.end() ? 0 : found->second;
  }

 private:
  std::unordered_map<std::uint16_t, std::uint64_t> counts_;
};

}  // namespace sockdiag
