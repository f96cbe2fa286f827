// SPDX-License-Identifier: Apache-2.0
#pragma once

// From how many client networks a port's half-open connections come: many mean a flood or scanners,
// few a lossy path or SYN-ACKs reflected to a victim. Distinct (port, /24 or /64) pairs of one
// sample, exact up to kMaxPrefixes of all ports together, and at least what it says beyond that.
// Not thread-safe. Memory: 24 bytes a bucket, 0.8 MiB at most.

#include <tsl/robin_set.h>

#include <cstddef>
#include <cstdint>

#include "sockdiag/core/hash.hpp"
#include "sockdiag/core/ip_address.hpp"

namespace sockdiag {

class ClientPrefixes {
 public:
  static constexpr std::size_t kMaxPrefixes = 16384;

  // Whether the port has not seen the client's prefix before.
  [[nodiscard]] bool add(std::uint16_t port, const IpAddress& client);

  void clear() { prefixes_.clear(); }

 private:
  struct Prefix {
    std::uint64_t network = 0;
    std::uint16_t port = 0;
    bool is_ipv4 = false;
    friend bool operator==(const Prefix&, const Prefix&) noexcept = default;
  };
  // Clients choose their addresses: the seed keeps them from choosing collisions.
  struct Hash {
    std::uint64_t seed = process_seed();
    [[nodiscard]] std::size_t operator()(const Prefix& prefix) const noexcept;
  };

  tsl::robin_set<Prefix, Hash> prefixes_;
};

}  // namespace sockdiag
