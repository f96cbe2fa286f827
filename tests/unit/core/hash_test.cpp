// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/core/hash.hpp"

#include <array>
#include <map>
#include <set>
#include <vector>

#include "sockdiag/core/ip_address.hpp"
#include "sockdiag/tally/client_prefixes.hpp"
#include "sockdiag/tally/cookie_table.hpp"
#include "sockdiag/tally/destination_table.hpp"
#include "sockdiag/tally/listener_table.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

// Tables have a power of two of buckets, and find theirs by the low bits.
constexpr std::uint64_t kBuckets = 1024;
constexpr std::uint64_t kMade = 16384;  // keys that were made to collide

HashSeed seed(std::uint64_t number) {
  HashSeed seed;
  for (std::uint64_t& word : seed.words) word = number = number * 0x9e3779b97f4a7c15U + 1;
  return seed;
}
const HashSeed kKnown = seed(20261126);
const HashSeed kSecret = seed(4);

// Undoes steps of the finalizer of MurmurHash3.
std::uint64_t unmix(std::uint64_t hash) {
  hash = (hash ^ (hash >> 33)) * 0x9cb4b2f8129337dbU;
  hash = (hash ^ (hash >> 33)) * 0x4f74430c22a54005U;
  return hash ^ (hash >> 33);
}

std::uint64_t unseeded(std::uint64_t key) { return hash_of_cookie(key, {}); }

IpAddress address(std::uint64_t high, std::uint64_t low) {
  const std::array words = {high, low};
  return IpAddress::from_ipv6(words.data());
}

// Fills kBuckets as random numbers would: 63 % of them by as many keys.
void check_spread(const std::set<std::uint64_t>& buckets) {
  CHECK(buckets.size() > kBuckets * 55 / 100);
  CHECK(buckets.size() < kBuckets * 70 / 100);
}

// How many of the keys meet in one bucket of a table that is half full.
template <typename Keys, typename Hash>
std::size_t fullest_bucket(const Keys& keys, const Hash& hash) {
  std::map<std::uint64_t, std::size_t> buckets;
  std::size_t most = 0;
  for (const auto& key : keys) most = std::max(most, ++buckets[hash(key) % (2 * kMade)]);
  return most;
}

// 16 384 random keys in twice as many buckets: 10 in one are a matter of one in a million tables.
constexpr std::size_t kChance = 10;

template <typename Table, typename Key, typename MakeKey>
void check_made_keys(const MakeKey& make) {
  std::vector<Key> keys;
  for (std::uint64_t i = 0; i < kMade; ++i) keys.push_back(make(i));
  CHECK(fullest_bucket(keys, typename Table::Hash{kKnown}) == kMade);  // the keys are well made
  CHECK(fullest_bucket(keys, typename Table::Hash{kSecret}) <= kChance);
  CHECK(fullest_bucket(keys, typename Table::Hash{}) <= kChance);
}

// A flag that counts how often a table has looked at it: once for each slot that it tries.
struct CountedFlag {
  bool value = false;
  static inline std::uint64_t looks = 0;
  CountedFlag() = default;
  CountedFlag(bool is) : value(is) {}  // NOLINT(google-explicit-constructor)
  operator bool() const {              // NOLINT(google-explicit-constructor)
    ++looks;
    return value;
  }
};
struct Note {
  CountedFlag used;
};

std::uint64_t looks_per_cookie(const std::vector<std::uint64_t>& cookies, const CookieHash& hash) {
  CookieTable<Note> table(hash);
  CountedFlag::looks = 0;
  for (const std::uint64_t cookie : cookies) table.insert(cookie, {});
  for (const std::uint64_t cookie : cookies) CHECK(table.find(cookie) != nullptr);
  return CountedFlag::looks / cookies.size();
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
      const IpAddress address = IpAddress::from_ipv4(bytes.data());
      buckets.insert(hash_of(std::array{address.high(), address.low()}, kSecret) % kBuckets);
    }
    check_spread(buckets);
  }
}

TEST_CASE("Another seed makes another order") {
  std::set<std::uint64_t> buckets;
  std::set<std::uint64_t> cookie_buckets;
  for (std::uint64_t number = 0; number < kBuckets; ++number) {
    buckets.insert(hash_of(std::array<std::uint64_t, 2>{1, 2}, seed(number)) % kBuckets);
    cookie_buckets.insert(hash_of_cookie(1, seed(number).words[0]) % kBuckets);
  }
  check_spread(buckets);
  check_spread(cookie_buckets);
}

TEST_CASE("The seed of the process is random in all its words, and stays") {
  const std::set<std::uint64_t> words(process_seed().words.begin(), process_seed().words.end());
  CHECK(words.size() == process_seed().words.size());
  CHECK(words.count(0) == 0);
  CHECK(&process_seed() == &process_seed());
}

// A factor that is 0 makes a product 0, whatever the other factor is.
TEST_CASE("Keys that collide with one seed do not collide with another") {
  const std::uint64_t a = kKnown.words[0];
  const std::uint64_t c = kKnown.words[2];
  SECTION("listeners") {
    check_made_keys<ListenerMemory, ListenerMemory::Endpoint>([&](std::uint64_t i) {
      return ListenerMemory::Endpoint{address(0 - a, i), 80, false};
    });
  }
  SECTION("destinations") {
    check_made_keys<DestinationTable, Destination>([&](std::uint64_t i) {
      return Destination{address(0 - a, i), address(0 - c, i * i), 443};
    });
  }
  SECTION("prefixes") {
    check_made_keys<ClientPrefixes, ClientPrefixes::Prefix>([&](std::uint64_t i) {
      return ClientPrefixes::Prefix{0 - a, static_cast<std::uint16_t>(i), false};
    });
  }
}

TEST_CASE(
    "Listeners and destinations that were made against hashes without a seed do not collide") {
  std::vector<ListenerMemory::Endpoint> endpoints;
  std::vector<Destination> destinations;
  for (std::uint64_t i = 0; i < kMade; ++i) {
    // Each address has the same hash as the others: mix(mix(port ^ high) ^ low).
    constexpr std::uint16_t kPort = 80;
    const std::uint64_t low = unmix(7) ^ unseeded(kPort ^ i);
    REQUIRE(unseeded(unseeded(kPort ^ i) ^ low) == 7);
    endpoints.push_back({address(i, low), kPort, false});
    // Mixing the port alone into the address, whatever the seed of the rest.
    const auto port = static_cast<std::uint16_t>(i);
    destinations.push_back({address(1, 1), address(unseeded(port), 5), port});
  }
  CHECK(fullest_bucket(endpoints, ListenerMemory::Hash{}) <= kChance);
  CHECK(fullest_bucket(destinations, DestinationTable::Hash{}) <= kChance);
}

TEST_CASE("Cookies that were collected to collide cost a table no more than others") {
  std::vector<std::uint64_t> known;
  std::vector<std::uint64_t> without_seed;
  for (std::uint64_t i = 0; i < 4096; ++i) {
    known.push_back(unmix(i << 32U) ^ kKnown.words[0]);
    without_seed.push_back(unmix(i << 32U));
  }
  CHECK(looks_per_cookie(known, CookieHash(kKnown)) > 1000);  // the cookies are well chosen
  constexpr std::uint64_t kFew = 20;
  CHECK(looks_per_cookie(known, CookieHash(kSecret)) < kFew);
  CHECK(looks_per_cookie(without_seed, CookieHash(kSecret)) < kFew);
  CHECK(looks_per_cookie(without_seed, CookieHash()) < kFew);
}

}  // namespace sockdiag::test
