// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/client_prefixes.hpp"

#include <arpa/inet.h>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

IpAddress address(const std::string& text) {
  std::array<std::uint8_t, 16> bytes{};
  if (::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) {
    return IpAddress::from_ipv4(bytes.data());
  }
  REQUIRE(::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1);
  return IpAddress::from_ipv6(bytes.data());
}

}  // namespace

TEST_CASE("A client's network is its /24 in IPv4 and its /64 in IPv6") {
  struct Row {
    std::string it;
    std::string first;
    std::string second;
    bool is_new;
  };
  const std::vector<Row> rows = {
      {"is in the same /24", "192.0.2.1", "192.0.2.254", false},
      {"is in the next /24", "192.0.2.1", "192.0.3.1", true},
      {"differs in the first byte", "10.0.2.1", "11.0.2.1", true},
      {"is mapped and in the same /24", "192.0.2.1", "::ffff:192.0.2.9", false},
      {"is in the same /64", "2001:db8::1", "2001:db8::ffff:0:0:1", false},
      {"is in the next /64", "2001:db8::1", "2001:db8:0:1::1", true},
      {"is of the other family", "0.0.0.1", "::1", true},
  };
  for (const Row& row : rows) {
    INFO("a second client that " << row.it);
    ClientPrefixes prefixes;
    CHECK(prefixes.add(80, address(row.first)));
    CHECK(prefixes.add(80, address(row.second)) == row.is_new);
  }
}

TEST_CASE("Each port has networks of its own, and a new sample begins with none") {
  ClientPrefixes prefixes;
  CHECK(prefixes.add(80, address("192.0.2.1")));
  CHECK(prefixes.add(81, address("192.0.2.1")));
  CHECK_FALSE(prefixes.add(80, address("192.0.2.1")));
  prefixes.clear();
  CHECK(prefixes.add(80, address("192.0.2.1")));
}

TEST_CASE("Above its limit it counts no further") {
  ClientPrefixes prefixes;
  std::size_t counted = 0;
  for (std::uint32_t i = 0; i < 50'000; ++i) {
    const std::uint32_t network = htonl(i << 8);
    if (prefixes.add(80, IpAddress::from_ipv4(&network))) ++counted;
  }
  CHECK(counted == ClientPrefixes::kMaxPrefixes);
}

}  // namespace sockdiag::test
