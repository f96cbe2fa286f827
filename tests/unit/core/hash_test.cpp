// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/core/ip_address.hpp"

#include <set>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

// Tables have a power of two of buckets, and find theirs by the low bits.
constexpr std::uint64_t kBuckets = 1024;

// Fills kBuckets as random numbers would: 63 % of them by as many keys.
void check_spread(const std::set<std::uint64_t>& buckets) {
  CHECK(buckets.size() > kBuckets * 55 / 100);
  CHECK(buckets.size() < kBuckets * 70 / 100);
}

}  // namespace

TEST_CASE("Addresses that differ in one byte alone are spread over all buckets") {
  for (std::size_t byte = 0; byte < 3; ++byte) {
    CAPTURE(byte);
    std::set<std::uint64_t> buckets;
    for (std::uint32_t i = 0; i < kBuckets; ++i) {
      std::array<std::uint8_t, 4> bytes = {10, 1, 2, 3};
      bytes[byte] = static_cast<std::uint8_t>(i >> 8);
      bytes[byte + 1] = static_cast<std::uint8_t>(i);
      buckets.insert(IpAddress::from_ipv4(bytes.data()).hash(0) % kBuckets);
    }
    check_spread(buckets);
  }
}

TEST_CASE("Another seed makes another order") {
  const IpAddress address = IpAddress::from_ipv4("\x0a\x01\x02\x03");
  std::set<std::uint64_t> buckets;
  for (std::uint64_t seed = 0; seed < kBuckets; ++seed)
    buckets.insert(address.hash(seed) % kBuckets);
  check_spread(buckets);
}

}  // namespace sockdiag::test
