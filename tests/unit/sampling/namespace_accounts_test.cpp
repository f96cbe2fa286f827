// SPDX-License-Identifier: Apache-2.0
#include "sampling/namespace_accounts.hpp"

#include <optional>
#include <utility>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {
using namespace std::chrono_literals;

using TimePoint = NamespaceAccounts::TimePoint;
using Value = std::optional<std::uint64_t>;

constexpr TimePoint kStart{1h};
constexpr auto kStaleness = 90s;

OwnerLabels unit(const std::string& name) { return {.unit = name}; }

const NamespaceAccounts::Policy kPolicy{.staleness = kStaleness,
                                        .seats = {.max_ports = 3, .retention = 10min}};

// Namespaces with one counter and one gauge each.
class Accounts {
 public:
  static void read(NamespaceReading& reading, Value counter, TimePoint now = kStart) {
    reading.counters = std::make_shared<const NamespaceCounters>(
        NamespaceCounters{.kernel = {.values = {counter}, .problems = {}}, .open = 3});
    reading.counters_read_at = now;
  }
  static void rename(NamespaceReading& reading, const std::string& unit_name) {
    NamespaceAccounts::set_owner(reading, unit(unit_name));
  }
  std::vector<NamespaceSample> sums(const NamespaceAccounts::Readings& readings,
                                    TimePoint now = kStart) {
    return accounts_.sums(readings, kPolicy, now);
  }
  // The counter of the only owner.
  Value counter(const NamespaceAccounts::Readings& readings, TimePoint now = kStart) {
    const auto samples = sums(readings, now);
    REQUIRE(samples.size() == 1);
    return samples[0].counters.value->kernel.values[0];
  }
  // The sockets of the only owner.
  TcpSnapshot tcp(const NamespaceAccounts::Readings& readings) {
    const auto samples = sums(readings);
    REQUIRE(samples.size() == 1);
    REQUIRE(samples[0].tcp.value != nullptr);
    return *samples[0].tcp.value;
  }

 private:
  NamespaceAccounts accounts_;
};

struct Port {
  std::uint16_t port = 0;
  std::uint32_t established = 0;
  std::uint64_t time_waits = 0;
  Value drops = 0;
};

PortCounts counts_of(const Port& port) {
  PortCounts counts{.port = port.port};
  counts.sockets[index_of(TcpState::established)] = port.established;
  counts.seen.add_states(counts.sockets);
  counts.time_wait_started = port.time_waits;
  return counts;
}

// Sockets of inbound connections.
void read_sockets(NamespaceReading& reading, const std::vector<Port>& ports, const Port& other = {},
                  TimePoint now = kStart) {
  TcpSnapshot tcp;
  ListenerSnapshot listeners;
  DirectionCounts& inbound = tcp.directions[index_of(Direction::inbound)];
  for (const Port& port : ports) {
    inbound.ports.push_back(counts_of(port));
    listeners.ports.push_back({port.port, 1, port.drops});
    tcp.sockets += port.established;
  }
  inbound.other = counts_of(other);
  listeners.other = {0, 1, other.drops};
  reading.tcp = std::make_shared<const TcpSnapshot>(std::move(tcp));
  reading.listeners = std::make_shared<const ListenerSnapshot>(std::move(listeners));
  reading.sockets_read_at = now;
}

std::vector<std::uint16_t> ports_of(const TcpSnapshot& tcp) {
  std::vector<std::uint16_t> ports;
  for (const PortCounts& counts : tcp.of(Direction::inbound).ports) ports.push_back(counts.port);
  return ports;
}

}  // namespace

TEST_CASE("A namespace alone has the kernel's own values", "[namespaces]") {
  Accounts accounts;
  NamespaceReading reading{.owner = unit("a")};
  for (const std::uint64_t value : {7U, 7U, 9U}) {
    Accounts::read(reading, value);
    CHECK(accounts.counter({&reading}) == value);
  }
  const auto sample = accounts.sums({&reading})[0];
  CHECK(sample.owner == unit("a"));
  CHECK(sample.namespaces == 1);
  CHECK(sample.counters.value->open == 3);
  CHECK(sample.counters.withdrawn_after == kStart + kStaleness);
}

TEST_CASE("Namespaces of one owner are added up, others are apart and in order", "[namespaces]") {
  Accounts accounts;
  NamespaceReading a{.owner = unit("a")};
  NamespaceReading b{.owner = unit("b")};
  NamespaceReading also_a{.owner = unit("a")};
  Accounts::read(b, 1);
  Accounts::read(a, 10);
  Accounts::read(also_a, 100, kStart + 5s);
  const auto samples = accounts.sums({&b, &a, &also_a});
  REQUIRE(samples.size() == 2);
  CHECK(samples[0].owner == unit("a"));
  CHECK(samples[0].namespaces == 2);
  CHECK(samples[0].counters.value->kernel.values[0] == 110);
  CHECK(samples[0].counters.value->open == 6);
  CHECK(samples[0].counters.withdrawn_after == kStart + 5s + kStaleness);
  CHECK(samples[1].counters.value->kernel.values[0] == 1);
}

TEST_CASE("A counter never falls while its owner has a namespace", "[namespaces]") {
  Accounts accounts;
  NamespaceReading stays{.owner = unit("a")};
  NamespaceReading ends{.owner = unit("a")};
  Accounts::read(stays, 10);
  Accounts::read(ends, 100);
  CHECK(accounts.counter({&stays, &ends}) == 110);
  CHECK(accounts.counter({&stays}) == 110);
  Accounts::read(stays, 11);
  CHECK(accounts.counter({&stays}) == 111);
  NamespaceReading follows{.owner = unit("a"), .is_new = true};
  Accounts::read(follows, 5);
  CHECK(accounts.counter({&stays, &follows}) == 116);
  CHECK(accounts.counter({&follows}) == 116);
}

TEST_CASE("What a namespace had counted before it joins an owner that is shown is no growth",
          "[namespaces]") {
  Accounts accounts;
  NamespaceReading first{.owner = unit("a")};
  NamespaceReading late{.owner = unit("a")};
  Accounts::read(first, 10);
  CHECK(accounts.counter({&first, &late}) == 10);
  Accounts::read(late, 1'000'000);
  CHECK(accounts.counter({&first, &late}) == 10);
  Accounts::read(late, 1'000'002);
  CHECK(accounts.counter({&first, &late}) == 12);
}

TEST_CASE("A namespace that gets the name of an owner that is shown brings what it grows by",
          "[namespaces]") {
  Accounts accounts;
  NamespaceReading a{.owner = unit("a")};
  NamespaceReading b{.owner = unit("b"), .is_new = true};
  Accounts::read(a, 10);
  Accounts::read(b, 1'000'000);
  read_sockets(a, {{.port = 80, .time_waits = 1, .drops = 10}});
  read_sockets(b, {{.port = 80, .time_waits = 500, .drops = 600}});
  CHECK(accounts.sums({&a, &b}).size() == 2);
  Accounts::rename(b, "a");
  Accounts::read(b, 1'000'001);
  read_sockets(b, {{.port = 80, .time_waits = 502, .drops = 603}});
  CHECK(accounts.counter({&a, &b}) == 10);
  CHECK(accounts.tcp({&a, &b}).of(Direction::inbound).ports[0].time_wait_started == 3);
  CHECK(accounts.sums({&a, &b})[0].listeners.value->ports[0].drops == 13);
  Accounts::read(b, 1'000'004);
  CHECK(accounts.counter({&a, &b}) == 13);
}

TEST_CASE("A counter that falls began anew: another namespace has its inode", "[namespaces]") {
  Accounts accounts;
  NamespaceReading reading{.owner = unit("a")};
  Accounts::read(reading, 100);
  CHECK(accounts.counter({&reading}) == 100);
  Accounts::read(reading, 4);
  CHECK(accounts.counter({&reading}) == 104);
  Accounts::read(reading, 6);
  CHECK(accounts.counter({&reading}) == 106);
}

TEST_CASE("A value that cannot be read for a while is absent and not counted twice",
          "[namespaces]") {
  Accounts accounts;
  NamespaceReading reading{.owner = unit("a")};
  Accounts::read(reading, 100);
  CHECK(accounts.counter({&reading}) == 100);
  Accounts::read(reading, std::nullopt);
  CHECK(accounts.counter({&reading}) == std::nullopt);
  Accounts::read(reading, 101);
  CHECK(accounts.counter({&reading}) == 101);
}

TEST_CASE("What is not fresh has no gauges, and its counters stay in the sum", "[namespaces]") {
  Accounts accounts;
  NamespaceReading fresh{.owner = unit("a")};
  NamespaceReading stale{.owner = unit("a")};
  Accounts::read(stale, 100);
  Accounts::read(fresh, 10, kStart + 1s);
  CHECK(accounts.counter({&stale, &fresh}) == 110);
  const auto now = kStart + kStaleness + 1s;
  const auto samples = accounts.sums({&stale, &fresh}, now);
  REQUIRE(samples.size() == 1);
  CHECK(samples[0].namespaces == 1);
  CHECK(samples[0].counters.value->open == 3);
  CHECK(samples[0].counters.value->kernel.values[0] == 110);
  CHECK(accounts.sums({&stale}, now).empty());
}

TEST_CASE("A namespace that gets another name brings all its counts along", "[namespaces]") {
  Accounts accounts;
  NamespaceReading reading{.owner = unit("a")};
  Accounts::read(reading, 100);
  CHECK(accounts.counter({&reading}) == 100);
  Accounts::rename(reading, "b");
  const auto samples = accounts.sums({&reading});
  REQUIRE(samples.size() == 1);
  CHECK(samples[0].owner == unit("b"));
  CHECK(samples[0].counters.value->kernel.values[0] == 100);
  Accounts::rename(reading, "b");
  Accounts::read(reading, 101);
  CHECK(accounts.counter({&reading}) == 101);
}

TEST_CASE("An owner without a namespace is forgotten", "[namespaces]") {
  Accounts accounts;
  NamespaceReading ended{.owner = unit("a")};
  Accounts::read(ended, 100);
  CHECK(accounts.counter({&ended}) == 100);
  CHECK(accounts.sums({}).empty());
  NamespaceReading later{.owner = unit("a")};
  Accounts::read(later, 1);
  CHECK(accounts.counter({&later}) == 1);
}

TEST_CASE("A namespace that was never read has no sample", "[namespaces]") {
  Accounts accounts;
  NamespaceReading reading{.owner = unit("a")};
  CHECK(accounts.sums({&reading}).empty());
}

TEST_CASE("Sockets of an owner's namespaces are added up by port", "[namespaces]") {
  Accounts accounts;
  NamespaceReading a{.owner = unit("a")};
  NamespaceReading b{.owner = unit("a")};
  read_sockets(a, {{.port = 80, .established = 1}});
  read_sockets(b, {{.port = 80, .established = 2}, {.port = 443, .established = 4}});
  const TcpSnapshot tcp = accounts.tcp({&a, &b});
  CHECK(tcp.sockets == 7);
  CHECK(ports_of(tcp) == std::vector<std::uint16_t>{80, 443});
  CHECK(tcp.of(Direction::inbound).ports[0].sockets[0] == 3);
}

TEST_CASE("Sockets that nobody reads are shown as little as those that are stale", "[namespaces]") {
  Accounts accounts;
  NamespaceReading reading{.owner = unit("a")};
  const auto now = kStart + kStaleness + 1s;
  Accounts::read(reading, 1, now);
  read_sockets(reading, {{.port = 80}});
  const auto samples = accounts.sums({&reading}, now);
  REQUIRE(samples.size() == 1);
  CHECK(samples[0].counters.value != nullptr);
  CHECK(samples[0].tcp.value == nullptr);
  CHECK(samples[0].listeners.value == nullptr);
}

TEST_CASE("Ports of all owners together have no more series than max_ports", "[namespaces]") {
  Accounts accounts;
  NamespaceReading a{.owner = unit("a")};
  NamespaceReading b{.owner = unit("b")};
  read_sockets(
      a,
      {{.port = 1, .established = 1, .time_waits = 5, .drops = 6}, {.port = 2, .established = 20}},
      {.established = 100, .time_waits = 10, .drops = 20});
  read_sockets(b, {{.port = 1, .established = 30}, {.port = 3, .established = 40}});
  const auto samples = accounts.sums({&a, &b});
  REQUIRE(samples.size() == 2);
  CHECK(ports_of(*samples[0].tcp.value) == std::vector<std::uint16_t>{2});
  CHECK(ports_of(*samples[1].tcp.value) == std::vector<std::uint16_t>{1, 3});
  const DirectionCounts& folded = samples[0].tcp.value->of(Direction::inbound);
  CHECK(folded.other.sockets[0] == 101);
  CHECK(folded.other.seen.state(TcpState::established));
  CHECK(folded.folded_ports == 1);
  CHECK(folded.other.time_wait_started == 15);
  const ListenerSnapshot& listeners = *samples[0].listeners.value;
  REQUIRE(listeners.ports.size() == 1);
  CHECK(listeners.other.accept_queue_peak == 2);
  CHECK(listeners.other.drops == 26);
}

TEST_CASE("A port that has series keeps them while others become a little busier", "[namespaces]") {
  Accounts accounts;
  NamespaceReading a{.owner = unit("a")};
  read_sockets(a, {{.port = 1, .established = 10},
                   {.port = 2, .established = 11},
                   {.port = 3, .established = 12}});
  CHECK(ports_of(accounts.tcp({&a})).size() == 3);
  read_sockets(a, {{.port = 1, .established = 10},
                   {.port = 2, .established = 11},
                   {.port = 3, .established = 12},
                   {.port = 4, .established = 50}});
  CHECK(ports_of(accounts.tcp({&a})) == std::vector<std::uint16_t>{1, 2, 3});
}

TEST_CASE("A port yields to any other when its owner has gone", "[namespaces]") {
  Accounts accounts;
  NamespaceReading gone{.owner = unit("a")};
  NamespaceReading idle{.owner = unit("b")};
  NamespaceReading small{.owner = unit("c")};
  read_sockets(gone, {{.port = 1, .established = 50}, {.port = 2, .established = 50}});
  read_sockets(idle, {{.port = 3, .established = 50}});
  CHECK(accounts.sums({&gone, &idle}).size() == 2);
  read_sockets(idle, {});
  read_sockets(small, {{.port = 4, .established = 1}, {.port = 5, .established = 2}});
  const auto with_all = accounts.sums({&gone, &idle, &small});
  CHECK(ports_of(*with_all.at(2).tcp.value).empty());
  read_sockets(small, {{.port = 4, .established = 1},
                       {.port = 5, .established = 2},
                       {.port = 6, .established = 3}});
  const auto without = accounts.sums({&idle, &small});
  CHECK(ports_of(*without.at(1).tcp.value) == std::vector<std::uint16_t>{5, 6});
  read_sockets(idle, {{.port = 3, .established = 1}});
  CHECK(ports_of(*accounts.sums({&idle, &small})[0].tcp.value) == std::vector<std::uint16_t>{3});
}

TEST_CASE("A namespace alone is published as it was read, unless ports have no series",
          "[namespaces]") {
  Accounts accounts;
  NamespaceReading reading{.owner = unit("a")};
  Accounts::read(reading, 5);
  read_sockets(reading, {{80, 2, 7, 3}, {81, 2}, {82, 2}});
  auto samples = accounts.sums({&reading});
  CHECK(samples.at(0).counters.value == reading.counters);
  CHECK(samples.at(0).tcp.value == reading.tcp);
  CHECK(samples.at(0).listeners.value == reading.listeners);
  read_sockets(reading, {{80, 2, 7, 3}, {81, 2}, {82, 2}, {83, 1}});
  samples = accounts.sums({&reading});
  CHECK(samples.at(0).tcp.value != reading.tcp);
  CHECK(samples.at(0).tcp.value->of(Direction::inbound).ports.size() == 3);
}

TEST_CASE("What was not read anew keeps its address, so that nobody looks at it again",
          "[namespaces]") {
  Accounts accounts;
  NamespaceReading a{.owner = unit("a")};
  NamespaceReading other_a{.owner = unit("a")};
  NamespaceReading b{.owner = unit("b")};
  for (NamespaceReading* reading : {&a, &other_a, &b}) {
    Accounts::read(*reading, 1);
    read_sockets(*reading, {{.port = 80, .established = 1}});
  }
  const auto before = accounts.sums({&a, &other_a, &b});
  const auto now = kStart + 5s;
  Accounts::read(other_a, 1, now);
  read_sockets(other_a, {{.port = 80, .established = 1}}, {}, now);
  const auto after = accounts.sums({&a, &other_a, &b}, now);
  CHECK(after[0].counters.value != before[0].counters.value);
  CHECK(after[0].tcp.value != before[0].tcp.value);
  CHECK(after[0].listeners.value != before[0].listeners.value);
  CHECK(after[1].counters.value == before[1].counters.value);
  CHECK(after[1].tcp.value == before[1].tcp.value);
  CHECK(after[1].listeners.value == before[1].listeners.value);
  const auto without_one = accounts.sums({&a, &b}, now);
  CHECK(without_one[0].tcp.value != after[0].tcp.value);
  CHECK(without_one[0].tcp.value->sockets == 1);
}

TEST_CASE("What was not read anew changes with the ports that have series", "[namespaces]") {
  NamespaceAccounts accounts;
  NamespaceReading reading{.owner = unit("a")};
  read_sockets(reading, {{.port = 1, .established = 1}, {.port = 2, .established = 100}});
  NamespaceAccounts::Policy policy = kPolicy;
  const auto before = accounts.sums({&reading}, policy, kStart)[0];
  CHECK(ports_of(*before.tcp.value).size() == 2);
  policy.seats.max_ports = 1;
  const auto after = accounts.sums({&reading}, policy, kStart)[0];
  CHECK(ports_of(*after.tcp.value) == std::vector<std::uint16_t>{2});
  CHECK(after.listeners.value->ports.size() == 1);
}

TEST_CASE("What has begun at a port that is folded later stays counted there", "[namespaces]") {
  Accounts accounts;
  NamespaceReading a{.owner = unit("a")};
  const auto read = [&](std::uint64_t time_waits) {
    read_sockets(a, {{.port = 1, .established = 100},
                     {.port = 2, .established = 100},
                     {.port = 3, .established = 100},
                     {.port = 4, .time_waits = time_waits}});
    return accounts.tcp({&a}).of(Direction::inbound).other.time_wait_started;
  };
  CHECK(read(5) == 5);
  CHECK(read(7) == 7);
  read_sockets(a, {});
  CHECK(accounts.tcp({&a}).of(Direction::inbound).other.time_wait_started == 7);
}

TEST_CASE("Counters of ports never fall while their owner has a namespace", "[namespaces]") {
  Accounts accounts;
  NamespaceReading stays{.owner = unit("a")};
  NamespaceReading ends{.owner = unit("a")};
  const auto time_waits = [&](const NamespaceAccounts::Readings& readings) {
    return accounts.tcp(readings).of(Direction::inbound).ports[0].time_wait_started;
  };
  read_sockets(stays, {{.port = 80, .time_waits = 1, .drops = 10}});
  read_sockets(ends, {{.port = 80, .time_waits = 2, .drops = 20}});
  CHECK(time_waits({&stays, &ends}) == 3);
  CHECK(time_waits({&stays}) == 3);
  read_sockets(stays, {{.port = 80, .time_waits = 5, .drops = std::nullopt}});
  CHECK(time_waits({&stays}) == 7);
  CHECK(accounts.sums({&stays})[0].listeners.value->ports[0].drops == std::nullopt);
  read_sockets(stays, {{.port = 80, .time_waits = 0, .drops = 11}});
  CHECK(time_waits({&stays}) == 7);
  CHECK(accounts.sums({&stays})[0].listeners.value->ports[0].drops == 31);
  read_sockets(stays, {{.port = 80, .time_waits = 1, .drops = 11}});
  CHECK(time_waits({&stays}) == 8);
}

}  // namespace sockdiag::test
