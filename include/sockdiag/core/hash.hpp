// SPDX-License-Identifier: Apache-2.0
#pragma once

// A hash for tables with a power of two of buckets: each bit of the result depends on each bit of
// the key. The finalizer of MurmurHash3 (Austin Appleby, public domain).

#include <cstdint>

namespace sockdiag {

[[nodiscard]] constexpr std::uint64_t hash_of(std::uint64_t key) noexcept {
  key = (key ^ (key >> 33)) * 0xff51afd7ed558ccdU;
  key = (key ^ (key >> 33)) * 0xc4ceb9fe1a85ec53U;
  return key ^ (key >> 33);
}

}  // namespace sockdiag
