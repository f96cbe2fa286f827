// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/core/hash.hpp"

#include <random>

namespace sockdiag {

const HashSeed& process_seed() {
  static const HashSeed seed = [] {
    std::random_device device;
    HashSeed random;
    for (std::uint64_t& word : random.words) word = (std::uint64_t{device()} << 32) | device();
    return random;
  }();
  return seed;
}

}  // namespace sockdiag
