// SPDX-License-Identifier: Apache-2.0
#include <system_error>

#include "netlink/dump_error.hpp"
#include "netlink/inet_diag.hpp"
#include "sockdiag/netlink/tcp_dumper.hpp"
#include "support/catch.hpp"
#include "support/dump_builder.hpp"

namespace sockdiag::test {
namespace {

std::vector<int> ports_of(std::vector<ReplayedDatagram> datagrams) {
  std::vector<int> ports;
  ReplayChannel channel(std::move(datagrams));
  dump(channel, {}, [&](const SocketRecord& record) { ports.push_back(record.local_port); });
  return ports;
}

DumpBuilder good_dump() {
  DumpBuilder builder;
  builder.socket(
      {.state = 10, .local = "[::]:1", .remote = "[::]:0", .ipv6_only = std::uint8_t{1}});
  builder.socket({.local = "127.0.0.1:2"}).split();
  builder.socket({.state = 6, .local = "127.0.0.1:3", .timer = 3, .attributes = false});
  return builder.split().socket({.local = "127.0.0.1:4"}).done();
}

}  // namespace

TEST_CASE("A dump hands out its sockets in the kernel's order, whatever the datagrams") {
  CHECK(ports_of(good_dump().datagrams()) == std::vector<int>{1, 2, 3, 4});
}

TEST_CASE("A dump of an unexpected type is refused") {
  CHECK_THROWS_AS(ports_of(DumpBuilder().answer_type(20).socket({}).done().datagrams()), DumpError);
}

TEST_CASE("Every prefix of a good dump is refused") {
  const auto whole = good_dump().datagrams();
  std::size_t refused = 0;
  std::size_t prefixes = 0;
  for (std::size_t last = 0; last < whole.size(); ++last) {
    for (std::size_t length = 0; length < whole[last].bytes.size(); ++length) {
      ++prefixes;
      std::vector<ReplayedDatagram> prefix(whole.begin(),
                                           whole.begin() + static_cast<std::ptrdiff_t>(last) + 1);
      prefix.back().bytes.resize(length);
      try {
        ports_of(prefix);
      } catch (const DumpError&) {
        ++refused;
      } catch (const std::system_error&) {
        ++refused;  // the end of it never came
      }
    }
  }
  CHECK(prefixes > 400);
  CHECK(refused == prefixes);
}

TEST_CASE("No single wrong byte makes the reader fail in any other way than it says") {
  const auto whole = good_dump().datagrams();
  std::size_t refused = 0;
  for (std::size_t each = 0; each < whole.size(); ++each) {
    for (std::size_t at = 0; at < whole[each].bytes.size(); ++at) {
      for (const auto mask : {std::byte{0x01}, std::byte{0x80}, std::byte{0xff}}) {
        auto corrupt = whole;
        corrupt[each].bytes[at] ^= mask;
        try {
          ports_of(corrupt);
        } catch (const DumpError&) {
          ++refused;
        } catch (const std::system_error&) {
          ++refused;
        }
      }
    }
  }
  CHECK(refused > 100);
}

}  // namespace sockdiag::test
