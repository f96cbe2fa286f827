// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/http/listen_address.hpp"

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

TEST_CASE("A host may be a name where one is resolved") {
  for (const char* text :
       {"localhost:80", "web-1.example.org:0", "a_b:1", "0a:1", ":1", "127.0.0.1:1", "[::1]:1"}) {
    CAPTURE(text);
    CHECK(is_listen_address(text));
  }
  for (const char* text : {"localhost", "localhost:", "localhost:65536", "local host:1", "-a:1",
                           "a-:1", "a..b:1", ".a:1", "a.:1", "1:1", "256.0.0.1:80", "10.1:80",
                           "[localhost]:80", "::1:80", "*:80", "a/b:1", "http://a:1", "a:1:2"}) {
    CAPTURE(text);
    CHECK_FALSE(is_listen_address(text));
  }
  CHECK_FALSE(is_listen_address(std::string(64, 'a') + ":1"));
  std::string long_name = "a";
  for (int i = 0; i < 126; ++i) long_name += ".a";
  CHECK(is_listen_address(long_name + ":1"));
  CHECK_FALSE(is_listen_address(long_name + "a:1"));
}

TEST_CASE("A number resolves to itself, wherever it is") {
  CHECK(resolve_listen_address("192.0.2.1:80") ==
        std::vector<ListenAddress>{{Host::ipv4, "192.0.2.1", 80}});
  CHECK(resolve_listen_address(":80") == std::vector<ListenAddress>{{Host::any, "", 80}});
}

TEST_CASE("An address of another host is told, one of this host is not") {
  CHECK_NOTHROW(check_listen_address("127.0.0.1:1"));
  CHECK_NOTHROW(check_listen_address(":1"));
  CHECK_THROWS_WITH(check_listen_address("192.0.2.1:1"),
                    "192.0.2.1:1: the address is not one of this host");
}

TEST_CASE("A URL leads a browser on this host to the address") {
  const std::pair<const char*, const char*> rows[] = {
      {":80", "http://localhost:80/m"},     {"0.0.0.0:81", "http://localhost:81/m"},
      {"[::]:82", "http://localhost:82/m"}, {"127.0.0.2:83", "http://127.0.0.2:83/m"},
      {"[::1]:84", "http://[::1]:84/m"},
  };
  for (const auto& [address, url] : rows) {
    CHECK(to_url(parse_listen_address(address).value(), "/m") == url);
  }
}

}  // namespace sockdiag::test
