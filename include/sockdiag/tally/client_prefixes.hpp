// SPDX-License-Identifier: Apache-2.0
#pragma once

// Counts the client networks that a port's half-open connections come from. Many networks mean a
// flood or scanners; few mean a lossy path, or SYN-ACKs that are reflected to a victim.
//
// Counts distinct pairs of port and /24 (IPv4) or /64 (IPv6) in one sample. The count is exact up
// to kMaxPrefixes pairs of all ports together, and a lower bound beyond that. Not thread-safe.
// Memory: 24 bytes a bucket, at most 0.8 MiB.

#include <tsl/robin_set.h>

#include <cstddef>
#include <cstdint>

#include "sockdiag/core/hash.hpp"
#include "sockdiag/core/ip_address.hpp"

namespace sockdiag {

class ClientPrefixes {
 public:
  static constexpr std::size_t kMaxPrefixes = 16384;

  struct Prefix {
    std::uint64_t network = 0;
    std::uint16_t port = 0;
    bool is_ipv4 = false;
    friend bool operator==(const Prefix&, const Prefix&) noexcept = default;
  };
  struct Hash : SeededHash {
    using SeededHash::SeededHash;
    [[nodiscard]] std::size_t operator()(const Prefix& prefix) const noexcept;
  };

  // Returns true if this is the first client of its prefix at this port. Throws std::bad_alloc.
  [[nodiscard]] bool add(std::uint16_t port, const IpAddress& client);

  // An empty table is not walked: the largest sample so far has set its size.
  void clear() {
    if (!prefixes_.empty()) prefixes_.clear();
  }

 private:
  tsl::robin_set<Prefix, Hash> prefixes_;
};

}  // namespace sockdiag
