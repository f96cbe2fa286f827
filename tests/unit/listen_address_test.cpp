// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/exporter/listen_address.hpp"

#include "support/catch.hpp"

namespace sockdiag::test {

using Host = ListenAddress::Host;

TEST_CASE("Addresses are read as exporters write them, and written again") {
  struct Row {
    const char* text;
    ListenAddress address;
  };
  const auto row = GENERATE(values<Row>({
      {":10293", {Host::any, "", 10293}},
      {":0", {Host::any, "", 0}},
      {"127.0.0.1:10293", {Host::ipv4, "127.0.0.1", 10293}},
      {"10.0.0.1:65535", {Host::ipv4, "10.0.0.1", 65535}},
      {"[::1]:10293", {Host::ipv6, "::1", 10293}},
      {"[2001:db8::1]:80", {Host::ipv6, "2001:db8::1", 80}},
  }));
  CAPTURE(row.text);
  CHECK(parse_listen_address(row.text) == row.address);
  CHECK(to_string(row.address) == row.text);
}

TEST_CASE("Brackets around an IPv4 address are taken off") {
  CHECK(parse_listen_address("[10.0.0.1]:10293") == ListenAddress{Host::ipv4, "10.0.0.1", 10293});
}

TEST_CASE("What is no address is refused") {
  for (const char* text :
       {"", ":", "10293", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
        "127.0.0.1:+1", "127.0.0.1:80x", "256.0.0.1:80", "localhost:80", "::1:80", "[::1]",
        "[::1]:", "[]:80", "[::1:80", "*:80", "127.0.0.1:80,127.0.0.1:81"}) {
    CAPTURE(text);
    CHECK(parse_listen_address(text) == std::nullopt);
  }
}

}  // namespace sockdiag::test
