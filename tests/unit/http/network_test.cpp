// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/http/network.hpp"

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

AddressBytes address(const std::string& text) { return parse_network(text).value().address; }

}  // namespace

TEST_CASE("A network holds its own addresses and no others", "[http]") {
  struct Case {
    const char* network;
    const char* inside;
    const char* outside;
  };
  const auto row = GENERATE(values<Case>({
      {"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
      {"10.0.0.0/8", "::ffff:10.1.2.3", "::a01:203"},
      {"192.0.2.128/25", "192.0.2.128", "192.0.2.127"},
      {"192.0.2.1", "192.0.2.1", "192.0.2.2"},
      {"192.0.2.1/32", "192.0.2.1", "192.0.2.0"},
      {"0.0.0.0/0", "255.255.255.255", "2001:db8::1"},
      {"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
      {"fe80::/10", "febf::1", "fec0::"},
      {"::1", "::1", "127.0.0.1"},
      {"::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.0"},
  }));
  CAPTURE(row.network, row.inside, row.outside);
  const auto network = parse_network(row.network);
  REQUIRE(network);
  CHECK(network->contains(address(row.inside)));
  CHECK_FALSE(network->contains(address(row.outside)));
}

TEST_CASE("::/0 holds every address of both families", "[http]") {
  const auto network = parse_network("::/0");
  REQUIRE(network);
  CHECK(network->contains(address("203.0.113.9")));
  CHECK(network->contains(address("2001:db8::9")));
}

TEST_CASE("What is no network, or has bits after its prefix, is refused", "[http]") {
  const auto* const text = GENERATE(
      values<const char*>({"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8 ",
                           "10.0.0.0/+8", "10.0.0/8", "10.0.0.1/8", "2001:db8::1/64", "::/129",
                           "[::1]", "localhost", "10.0.0.0/255.0.0.0", "10.0.0.0/8/8"}));
  CAPTURE(text);
  CHECK_FALSE(parse_network(text));
}

TEST_CASE("A client is an IPv4 address or an IPv6 /64, but each address of a link", "[http]") {
  CHECK(client_of(address("192.0.2.1")) != client_of(address("192.0.2.2")));
  CHECK(client_of(address("2001:db8::1")) == client_of(address("2001:db8::ffff:1")));
  CHECK(client_of(address("2001:db8::1")) != client_of(address("2001:db8:0:1::1")));
  CHECK(client_of(address("fe80::1")) != client_of(address("fe80::2")));
  CHECK(to_string(client_of(address("192.0.2.1"))) == "192.0.2.1");
  CHECK(to_string(client_of(address("2001:db8::1"))) == "2001:db8::");
}

}  // namespace sockdiag::test
