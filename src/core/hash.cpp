// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/core/hash.hpp"

#include <random>

namespace sockdiag {

std::uint64_t process_seed() {
  static const std::uint64_t seed = [] {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
  }();
  return seed;
}

}  // namespace sockdiag
