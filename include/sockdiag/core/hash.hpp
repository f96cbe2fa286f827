// SPDX-License-Identifier: Apache-2.0
#pragma once

// Hashes for tables whose number of buckets is a power of two. Each bit of the result depends on
// each bit of the key.

#include <cstdint>

namespace sockdiag {

// The finalizer of MurmurHash3 (Austin Appleby, public domain). It can be inverted: mix
// process_seed() in if others choose the keys.
[[nodiscard]] constexpr std::uint64_t hash_of(std::uint64_t key) noexcept {
  key = (key ^ (key >> 33)) * 0xff51afd7ed558ccdU;
  key = (key ^ (key >> 33)) * 0xc4ceb9fe1a85ec53U;
  return key ^ (key >> 33);
}

// Mixes two words into one by their product (the step of Wang Yi's wyhash, public domain). The
// processor can mix several pairs at once, while a chain of hash_of() waits for each word. Mix
// process_seed() into both words.
[[nodiscard]] constexpr std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Product = unsigned __int128;
  const Product product = Product{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// Returns a random number that stays the same while the process lives. Safe from any thread.
[[nodiscard]] std::uint64_t process_seed();

}  // namespace sockdiag
