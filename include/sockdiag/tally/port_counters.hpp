// SPDX-License-Identifier: Apache-2.0
#pragma once

// Counters by port. They never fall, also when the port has no series any more. Port 0 counts for
// all ports without series of their own. There are at most 65 536 counters. Not thread-safe.

#include <cstdint>
#include <unordered_map>

namespace sockdiag {

class PortCounters {
 public:
  // Allocates the counter, so that add() to it does not throw. Throws std::bad_alloc itself.
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
