// SPDX-License-Identifier: Apache-2.0
#pragma once

// Hashes for tables, with a random seed: other users of the host and of the network choose
// addresses and ports, and without a seed they could choose ones that collide. Each bit of a result
// depends on each bit of the key.

#include <array>
#include <cstddef>
#include <cstdint>

namespace sockdiag {

// Random numbers that nobody outside of the process knows.
struct HashSeed {
  std::array<std::uint64_t, 8> words{};
};

// Returns a seed that stays the same while the process lives. Safe from any thread. Throws
// std::exception if the system has no random numbers.
[[nodiscard]] const HashSeed& process_seed();

// What the hash functions of tables have in common. Tests choose a seed of their own.
struct SeededHash {
  SeededHash() : seed(process_seed()) {}
  explicit SeededHash(const HashSeed& chosen) noexcept : seed(chosen) {}
  HashSeed seed;
};

// The finalizer of MurmurHash3 (Austin Appleby, public domain). Nobody chooses cookies: the kernel
// counts them. The seed is for those who make sockets until the kernel gives colliding cookies.
[[nodiscard]] constexpr std::uint64_t hash_of_cookie(std::uint64_t cookie,
                                                     std::uint64_t seed) noexcept {
  std::uint64_t key = cookie ^ seed;
  key = (key ^ (key >> 33)) * 0xff51afd7ed558ccdU;
  key = (key ^ (key >> 33)) * 0xc4ceb9fe1a85ec53U;
  return key ^ (key >> 33);
}

// Hashes keys that others choose. The sum is that of NH (Black et al., "UMAC: Fast and Secure
// Message Authentication", 1999, section 4): any two keys that are chosen without the seed have
// the same sum with a probability of at most 2^-64. One more product, as in Wang Yi's wyhash, mixes
// the sum into 64 bits.
template <std::size_t Size>
[[nodiscard]] constexpr std::uint64_t hash_of(const std::array<std::uint64_t, Size>& key,
                                              const HashSeed& seed) noexcept {
  static_assert(Size % 2 == 0 && Size + 2 <= std::tuple_size_v<decltype(HashSeed::words)>);
  __extension__ using Product = unsigned __int128;
  Product sum = 0;
  for (std::size_t i = 0; i < Size; i += 2) {
    sum += Product{key[i] + seed.words[i]} * (key[i + 1] + seed.words[i + 1]);
  }
  const Product mixed = Product{static_cast<std::uint64_t>(sum) ^ seed.words[Size]} *
                        (static_cast<std::uint64_t>(sum >> 64) ^ seed.words[Size + 1]);
  return static_cast<std::uint64_t>(mixed) ^ static_cast<std::uint64_t>(mixed >> 64);
}

}  // namespace sockdiag
