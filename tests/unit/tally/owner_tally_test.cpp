// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/owner_tally.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <random>

#include "netlink/inet_diag.hpp"
#include "sockdiag/netlink/tcp_dumper.hpp"
#include "sockdiag/tally/tcp_tally.hpp"
#include "support/catch.hpp"
#include "support/replay_channel.hpp"

namespace sockdiag::test {
namespace {

using namespace std::chrono_literals;
using Records = std::vector<SocketRecord>;
using Rows = std::vector<std::string>;

constexpr auto kInbound = Direction::inbound;
constexpr auto kOutbound = Direction::outbound;

// The counts of the cgroups alone.
class Counter {
 public:
  Counter& add(std::uint64_t cgroup, Direction direction, std::uint16_t port,
               TcpState state = TcpState::established) {
    ++tally_.of(cgroup, direction, port).sockets[index_of(state)];
    return *this;
  }
  // "inbound 80 of 7: 2 established"
  [[nodiscard]] Rows rows(const std::vector<std::uint16_t>& inbound = {},
                          const std::vector<std::uint16_t>& outbound = {}) const {
    Rows rows;
    for (const CgroupCounts& each : tally_.counts({inbound, outbound})) {
      std::string row = std::string(name_of(each.direction)) + " " + std::to_string(each.port) +
                        " of " + std::to_string(each.cgroup) + ":";
      for (std::size_t i = 0; i < kTcpStateCount; ++i) {
        if (each.sockets[i] == 0) continue;
        row += " " + std::to_string(each.sockets[i]) + " " + std::string(kTcpStateNames[i]);
      }
      rows.push_back(row);
    }
    return rows;
  }
  [[nodiscard]] OwnerTally& tally() { return tally_; }

 private:
  OwnerTally tally_;
};

const std::vector<std::uint16_t> kPorts = {80, 81, 443, 8080};

// Adds sockets to `counter`, and returns its rows of them by way of a map.
Rows random_rows(Counter& counter, std::size_t sockets) {
  std::mt19937 random(static_cast<std::uint32_t>(sockets));
  std::map<std::tuple<Direction, std::uint16_t, std::uint64_t>, std::size_t> counts;
  for (std::size_t i = 0; i < sockets; ++i) {
    const auto direction = random() % 2 == 0 ? kInbound : kOutbound;
    const std::uint16_t port = kPorts[random() % kPorts.size()];
    const std::uint64_t cgroup = 1 + random() % 1000;
    counter.add(cgroup, direction, port);
    ++counts[{direction, port, cgroup}];
  }
  Rows rows;
  for (const auto& [key, count] : counts) {
    const auto& [direction, port, cgroup] = key;
    rows.push_back(std::string(name_of(direction)) + " " + std::to_string(port) + " of " +
                   std::to_string(cgroup) + ": " + std::to_string(count) + " established");
  }
  return rows;
}

SocketRecord record(TcpState state, std::uint16_t local, std::uint16_t remote,
                    std::uint64_t cgroup) {
  SocketRecord record;
  record.state_number = static_cast<std::uint8_t>(state);
  record.local_port = local;
  record.remote_port = remote;
  record.local_address = record.remote_address = IpAddress::from_ipv4("\x7f\0\0\1");
  record.inode = 1;
  record.cgroup = cgroup;
  return record;
}

SocketRecord random_record(std::mt19937& random, std::uint64_t cookie) {
  const auto pick = [&](int least, int most) {
    return std::uniform_int_distribution<>(least, most)(random);
  };
  SocketRecord made =
      record(static_cast<TcpState>(pick(1, 11)), static_cast<std::uint16_t>(pick(70, 80)),
             static_cast<std::uint16_t>(pick(0, 1) == 0 ? pick(40000, 40010) : pick(440, 450)),
             static_cast<std::uint64_t>(pick(0, 5)));
  if (pick(0, 2) == 0) made.local_port = made.remote_port < 40000 ? 40020 : made.local_port;
  made.cookie = cookie;
  made.inode = static_cast<std::uint32_t>(pick(0, 1));
  made.receive_queue = static_cast<std::uint32_t>(pick(0, 2));
  if (made.state_number == 6) made.kind = SocketKind::time_wait;
  if (made.state_number == 5 && pick(0, 1) == 0) made.kind = SocketKind::time_wait;
  if (made.state_number == 3 && pick(0, 1) == 0) made.kind = SocketKind::request;
  return made;
}

Records random_records(std::uint32_t seed, std::size_t count) {
  std::mt19937 random(seed);
  Records records;
  for (std::size_t i = 0; i < count; ++i) records.push_back(random_record(random, i + 1));
  const auto listens = [](const SocketRecord& each) { return each.state_number == 10; };
  std::stable_partition(records.begin(), records.end(), listens);
  return records;
}

Records recorded(const std::string& name) {
  Records records;
  ReplayChannel channel(load_recorded_dump(SOCKDIAG_SOURCE_DIR "/tests/data/" + name + ".tcpdiag"));
  dump(channel, {}, [&](const SocketRecord& each) { records.push_back(each); });
  return records;
}

// All ports of the random sockets but one keep their seats, whatever else is counted.
TcpPolicy policy() {
  TcpPolicy policy;
  policy.ports.inbound.add({71, 80});
  policy.ports.outbound.add({440, 449});
  policy.ports.max_ports = 10;
  policy.by_cgroup = true;
  return policy;
}

// Two samples, so that sockets linger in the second.
TcpSnapshot count(TcpTally& tally, const Records& records) {
  TcpTally::TimePoint now{1000h};
  TcpSnapshot snapshot;
  for (int sample = 0; sample < 2; ++sample) {
    tally.begin({{32768, 60999}, std::vector<PortRange>{}}, now);
    for (const SocketRecord& each : records) tally.add(each);
    snapshot = tally.finish(now);
    now += 1h;
  }
  return snapshot;
}

Records without_mini_sockets(Records records) {
  std::erase_if(records, [](const SocketRecord& each) { return each.kind != SocketKind::full; });
  return records;
}

// What the cgroups of a direction and port have together.
CgroupCounts sum_of(const TcpSnapshot& snapshot, Direction direction, std::uint16_t port) {
  CgroupCounts sum;
  for (const CgroupCounts& each : snapshot.by_cgroup) {
    if (each.direction != direction || each.port != port) continue;
    for (std::size_t i = 0; i < kTcpStateCount; ++i) sum.sockets[i] += each.sockets[i];
    for (std::size_t i = 0; i < kCloseWaitCauseCount; ++i) {
      sum.close_wait_causes[i] += each.close_wait_causes[i];
    }
    for (std::size_t i = 0; i < kPassingStateCount; ++i) sum.lingering[i] += each.lingering[i];
  }
  return sum;
}

void check_port(const TcpSnapshot& snapshot, Direction direction, const PortCounts& full) {
  CAPTURE(direction, full.port);
  const CgroupCounts sum = sum_of(snapshot, direction, full.port);
  CHECK(sum.sockets == full.sockets);
  CHECK(sum.close_wait_causes == full.close_wait_causes);
  for (std::size_t i = 0; i < kPassingStateCount; ++i) {
    CHECK(sum.lingering[i] == full.stays[i].lingering);
  }
}

// The witness is a tally that is not given the mini sockets.
void check_sums(const Records& records) {
  const auto tally = std::make_unique<TcpTally>(std::make_shared<TallyScratch>(), policy());
  const TcpSnapshot snapshot = count(*tally, records);
  const auto witness = std::make_unique<TcpTally>(std::make_shared<TallyScratch>(), policy());
  const TcpSnapshot full = count(*witness, without_mini_sockets(records));
  for (const Direction direction : kDirections) {
    for (const PortCounts& port : full.of(direction).ports) check_port(snapshot, direction, port);
    check_port(snapshot, direction, full.of(direction).other);
  }
  CHECK(std::is_sorted(snapshot.by_cgroup.begin(), snapshot.by_cgroup.end(),
                       [](const CgroupCounts& a, const CgroupCounts& b) {
                         return std::tuple(a.direction, a.port, a.cgroup) <
                                std::tuple(b.direction, b.port, b.cgroup);
                       }));
}

}  // namespace

TEST_CASE("Sockets are counted by cgroup, direction, port and state") {
  Counter counter;
  counter.add(7, kInbound, 80).add(7, kInbound, 80).add(7, kInbound, 80, TcpState::close_wait);
  counter.add(3, kInbound, 80).add(7, kInbound, 80);
  counter.add(7, kOutbound, 80).add(7, kInbound, 443);
  CHECK(counter.rows({80, 443}, {80}) ==
        Rows{"inbound 80 of 3: 1 established", "inbound 80 of 7: 3 established 1 close_wait",
             "inbound 443 of 7: 1 established", "outbound 80 of 7: 1 established"});
}

TEST_CASE("The cgroups of ports without series are merged, by direction") {
  Counter counter;
  for (const std::uint16_t port : std::vector<std::uint16_t>{80, 81, 82, 0}) {
    counter.add(7, kInbound, port).add(7, kOutbound, port);
    counter.add(9, kInbound, port);
  }
  CHECK(counter.rows({81}, {}) ==
        Rows{"inbound 0 of 7: 3 established", "inbound 0 of 9: 3 established",
             "inbound 81 of 7: 1 established", "inbound 81 of 9: 1 established",
             "outbound 0 of 7: 4 established"});
}

TEST_CASE("Cgroups without room are counted as cgroup 0, each port by itself") {
  Counter counter;
  for (std::size_t i = 1; i <= OwnerTally::kMaxCombinations + 2; ++i) {
    counter.add(i, kInbound, 80);
  }
  counter.add(1, kInbound, 80);  // has its room
  counter.add(7, kInbound, 443).add(8, kInbound, 443);
  const Rows rows = counter.rows({80, 443});
  CHECK(rows.size() == OwnerTally::kMaxCombinations + 2);
  CHECK(rows[0] == "inbound 80 of 0: 2 established");
  CHECK(rows[1] == "inbound 80 of 1: 2 established");
  CHECK(rows.back() == "inbound 443 of 0: 2 established");
}

TEST_CASE("Counts stay where they are while others are added") {
  OwnerTally tally;
  CgroupCounts& first = tally.of(1, kInbound, 80);
  for (std::size_t i = 2; i <= OwnerTally::kMaxCombinations; ++i) {
    ++tally.of(i, kInbound, 80).sockets[0];
  }
  CHECK(&tally.of(1, kInbound, 80) == &first);
  CHECK(first.cgroup == 1);
  CHECK(first.sockets == StateCounts{});
}

TEST_CASE("Each of many combinations has its own counts, however many the dump before had") {
  Counter counter;
  for (const std::size_t sockets : {20'000U, 3U, 300U, 0U, 5'000U}) {
    CAPTURE(sockets);
    const Rows expected = random_rows(counter, sockets);
    CHECK(counter.rows(kPorts, kPorts) == expected);
    counter.tally().clear();
    CHECK(counter.rows().empty());
  }
}

TEST_CASE("Sockets of one port are told apart by their cgroups, in whatever order they come") {
  Records records;
  for (const std::uint64_t cgroup : {7U, 8U, 7U, 7U, 8U, 9U}) {
    records.push_back(record(TcpState::established, 80, 40000, cgroup));
  }
  const auto tally = std::make_unique<TcpTally>(std::make_shared<TallyScratch>(), policy());
  std::map<std::uint64_t, std::uint32_t> counted;
  for (const CgroupCounts& each : count(*tally, records).by_cgroup) {
    counted[each.cgroup] = each.sockets[index_of(TcpState::established)];
  }
  CHECK(counted == std::map<std::uint64_t, std::uint32_t>{{7, 3}, {8, 2}, {9, 1}});
}

TEST_CASE("Over the cgroups of a port, the full sockets of each state add up") {
  for (std::uint32_t seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    check_sums(random_records(seed, 400));
  }
}

TEST_CASE("Over the cgroups of a recorded dump, the full sockets of each state add up") {
  for (const char* name : {"both_families_root", "both_families_nobody"}) {
    CAPTURE(name);
    const Records records = recorded(name);
    for (const SocketRecord& each : records) {
      CHECK((each.cgroup != 0) == (each.kind == SocketKind::full));
    }
    check_sums(records);
  }
}

TEST_CASE("A mini socket has no owner, whatever its message says") {
  SocketRecord mini = record(TcpState::fin_wait2, 80, 40000, 7);
  mini.kind = SocketKind::time_wait;
  const auto tally = std::make_unique<TcpTally>(std::make_shared<TallyScratch>(), policy());
  CHECK(count(*tally, {mini}).by_cgroup.empty());
}

TEST_CASE("CLOSE_WAITs that are still served count as those of their port do") {
  SocketRecord served = record(TcpState::close_wait, 80, 40000, 7);
  served.cookie = 5;
  served.since_last_ack = 1ms;
  const auto tally = std::make_unique<TcpTally>(std::make_shared<TallyScratch>(), policy());
  tally->add_served(served);
  const TcpSnapshot snapshot = count(*tally, {served});
  REQUIRE(snapshot.of(kInbound).ports.back().port == 80);
  const PortCounts& port = snapshot.of(kInbound).ports.back();
  CHECK(port.served_close_wait == 1);
  check_port(snapshot, kInbound, port);
  CHECK(sum_of(snapshot, kInbound, 80).sockets[index_of(TcpState::close_wait)] == 1);
}

TEST_CASE("Nothing is counted by cgroup unless it is wanted") {
  TcpPolicy unwanted = policy();
  unwanted.by_cgroup = false;
  const auto tally = std::make_unique<TcpTally>(std::make_shared<TallyScratch>(), unwanted);
  CHECK(count(*tally, random_records(1, 100)).by_cgroup.empty());
  tally->set_policy(policy());
  CHECK_FALSE(count(*tally, random_records(1, 100)).by_cgroup.empty());
}

}  // namespace sockdiag::test
