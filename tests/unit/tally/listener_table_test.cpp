// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/listener_table.hpp"

#include <arpa/inet.h>

#include <string>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using namespace std::chrono_literals;

IpAddress address(const std::string& text) {
  in6_addr bytes{};
  if (::inet_pton(AF_INET, text.c_str(), &bytes) == 1) return IpAddress::from_ipv4(&bytes);
  REQUIRE(::inet_pton(AF_INET6, text.c_str(), &bytes) == 1);
  return IpAddress::from_ipv6(&bytes);
}

const ListenerMemory::TimePoint kStart{};

// A table of the one memory that it looks up.
class Table : public ListenerTable {
 public:
  Table() { load(memory_); }
  void forget_gone(ListenerMemory::TimePoint now, ListenerMemory::Duration retention) {
    memory_.forget_gone(now, retention);
    load(memory_);
  }
  [[nodiscard]] ListenerMemory& memory() { return memory_; }
  [[nodiscard]] std::size_t size() const { return memory_.size(); }

 private:
  ListenerMemory memory_;
};

}  // namespace

TEST_CASE("A listener matches by address and port") {
  struct Row {
    const char* name;
    const char* listener;
    bool ipv6_only;
    const char* local;
    bool matches;
  };
  const auto row = GENERATE(values<Row>({
      {"an IPv4 wildcard, IPv4", "0.0.0.0", false, "10.0.0.1", true},
      {"an IPv4 wildcard, IPv4-mapped", "0.0.0.0", false, "::ffff:10.0.0.1", true},
      {"an IPv4 wildcard, IPv6", "0.0.0.0", false, "2001:db8::1", false},
      {"a mapped IPv4 wildcard, IPv4", "::ffff:0.0.0.0", false, "10.0.0.1", true},
      {"a mapped IPv4 wildcard, IPv6", "::ffff:0.0.0.0", false, "2001:db8::1", false},
      {"a dual-stack wildcard, IPv6", "::", false, "2001:db8::1", true},
      {"a dual-stack wildcard, IPv4-mapped", "::", false, "::ffff:10.0.0.1", true},
      {"a dual-stack wildcard, IPv4", "::", false, "10.0.0.1", true},
      {"an IPv6-only wildcard, IPv6", "::", true, "2001:db8::1", true},
      {"an IPv6-only wildcard, IPv4-mapped", "::", true, "::ffff:10.0.0.1", false},
      {"an equal IPv4 address", "10.0.0.1", false, "10.0.0.1", true},
      {"an equal IPv4 address, mapped", "10.0.0.1", false, "::ffff:10.0.0.1", true},
      {"another IPv4 address", "10.0.0.1", false, "10.0.0.2", false},
      {"an equal IPv6 address", "2001:db8::1", false, "2001:db8::1", true},
      {"an equal IPv6 address, IPv6-only", "2001:db8::1", true, "2001:db8::1", true},
      {"another IPv6 address", "2001:db8::1", false, "2001:db8::2", false},
  }));
  INFO(row.name);
  Table table;
  table.record_seen(address(row.listener), 80, row.ipv6_only, kStart);
  CHECK(table.matches(address(row.local), 80) == row.matches);
  CHECK_FALSE(table.matches(address(row.local), 81));
  CHECK(table.has_port(80));
  CHECK_FALSE(table.has_port(81));
}

TEST_CASE("A listener that is gone matches until the retention is over") {
  Table table;
  table.record_seen(address("0.0.0.0"), 80, false, kStart);
  table.record_seen(address("10.0.0.1"), 81, false, kStart);
  table.forget_gone(kStart + 60s, 60s);
  CHECK(table.matches(address("10.0.0.9"), 80));
  CHECK(table.matches(address("10.0.0.1"), 81));
  table.forget_gone(kStart + 61s, 60s);
  CHECK_FALSE(table.matches(address("10.0.0.9"), 80));
  CHECK_FALSE(table.has_port(81));
  CHECK(table.size() == 0);
}

TEST_CASE("A listener seen again is remembered from then on") {
  Table table;
  table.record_seen(address("0.0.0.0"), 80, false, kStart);
  table.record_seen(address("0.0.0.0"), 80, false, kStart + 50s);
  table.forget_gone(kStart + 100s, 60s);
  CHECK(table.has_port(80));
}

TEST_CASE("One of two listeners of a port may go") {
  Table table;
  table.record_seen(address("10.0.0.1"), 80, false, kStart);
  table.record_seen(address("10.0.0.2"), 80, false, kStart + 1s);
  table.forget_gone(kStart + 1s, 0s);
  CHECK_FALSE(table.matches(address("10.0.0.1"), 80));
  CHECK(table.matches(address("10.0.0.2"), 80));
}

TEST_CASE("Listeners that come and go without end are not all remembered") {
  Table table;
  for (std::uint32_t i = 0; i <= ListenerMemory::kMaxRemembered; ++i) {
    const std::uint32_t bytes = htonl(0x0a000000U + i);
    table.record_seen(IpAddress::from_ipv4(&bytes), 80, false, kStart);
  }
  table.record_seen(address("0.0.0.0"), 443, false, kStart + 1s);
  table.forget_gone(kStart + 1s, 1h);
  CHECK(table.size() == 1);
  CHECK(table.has_port(443));
}

TEST_CASE("A table shows the listeners of the memory that it was given last, and no others") {
  Table table;
  table.record_seen(address("0.0.0.0"), 80, false, kStart);
  table.record_seen(address("10.0.0.1"), 81, false, kStart);
  ListenerMemory other;
  other.record_seen(address("10.0.0.2"), 81, false, kStart);
  table.load(other);
  CHECK_FALSE(table.has_port(80));
  CHECK_FALSE(table.matches(address("10.0.0.1"), 81));
  CHECK(table.matches(address("10.0.0.2"), 81));
  table.load(table.memory());
  CHECK(table.matches(address("10.0.0.9"), 80));
  CHECK(table.matches(address("10.0.0.1"), 81));
  CHECK_FALSE(table.matches(address("10.0.0.2"), 81));
}

TEST_CASE("A memory has each port of its listeners once, ascending") {
  ListenerMemory memory;
  CHECK(memory.ports().empty());
  for (const int port : {443, 80, 443}) {
    memory.record_seen(address("10.0.0." + std::to_string(memory.size() + 1)),
                       static_cast<std::uint16_t>(port), false, kStart);
  }
  CHECK(memory.size() == 3);
  CHECK(memory.ports() == std::vector<std::uint16_t>{80, 443});
}

}  // namespace sockdiag::test
