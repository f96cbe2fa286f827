// SPDX-License-Identifier: Apache-2.0
#pragma once

// Hashes for tables with a power of two of buckets: each bit of the result depends on each bit of
// the key.

#include <cstddef>
#include <cstdint>

namespace sockdiag {

// The finalizer of MurmurHash3 (Austin Appleby, public domain). It can be inverted: where others
// choose the keys, mix process_seed() in.
[[nodiscard]] constexpr std::uint64_t hash_of(std::uint64_t key) noexcept {
  key = (key ^ (key >> 33)) * 0xff51afd7ed558ccdU;
  key = (key ^ (key >> 33)) * 0xc4ceb9fe1a85ec53U;
  return key ^ (key >> 33);
}

// A random number, the same for as long as the process lives. Safe from any thread.
[[nodiscard]] std::uint64_t process_seed();

// The kernel's socket cookies are consecutive numbers: by themselves, runs of them collide.
struct CookieHash {
  [[nodiscard]] std::size_t operator()(std::uint64_t cookie) const noexcept {
    return static_cast<std::size_t>(hash_of(cookie));
  }
};

}  // namespace sockdiag
