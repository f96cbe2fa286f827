// SPDX-License-Identifier: Apache-2.0

// What TcpTally says of sockets beyond how many there are: why, for how long, from where, to where.

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <random>

#include "sockdiag/tally/tcp_tally.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kService = 8080;

IpAddress ipv4(std::uint8_t last) {
  const std::array<std::uint8_t, 4> bytes = {192, 0, 2, last};
  return IpAddress::from_ipv4(bytes.data());
}

SocketRecord listener() {
  SocketRecord record;
  record.state_number = static_cast<std::uint8_t>(TcpState::listen);
  record.local_port = kService;
  record.local_address = IpAddress::from_ipv4("\0\0\0\0");
  record.inode = 1;
  return record;
}

SocketRecord inbound(TcpState state, std::uint64_t cookie = 1) {
  SocketRecord record;
  record.state_number = static_cast<std::uint8_t>(state);
  record.local_port = kService;
  record.remote_port = 40000;
  record.local_address = ipv4(1);
  record.remote_address = ipv4(2);
  record.cookie = cookie;
  record.inode = 1;
  return record;
}

SocketRecord outbound(TcpState state, std::uint64_t cookie = 1) {
  SocketRecord record = inbound(state, cookie);
  record.local_port = 40001;
  record.remote_port = 443;
  return record;
}

class Counter {
 public:
  explicit Counter(TcpPolicy policy = {})
      : tally_(std::make_unique<TcpTally>(std::make_shared<TallyScratch>(), std::move(policy))) {}

  TcpSnapshot count(const std::vector<SocketRecord>& records) {
    begin(records);
    return tally_->finish(now_);
  }
  void begin(const std::vector<SocketRecord>& records) {
    tally_->begin({{40000, 40099}, reserved}, now_);
    tally_->add(listener());
    for (const SocketRecord& record : records) tally_->add(record);
  }
  Counter& pass(std::chrono::milliseconds time) {
    now_ += time;
    return *this;
  }
  TcpTally& tally() { return *tally_; }
  EphemeralPorts::Reserved reserved = std::vector<PortRange>{{40050, 40059}};
  [[nodiscard]] TcpTally::TimePoint now() const { return now_; }

 private:
  std::unique_ptr<TcpTally> tally_;
  TcpTally::TimePoint now_{1000h};
};

const PortCounts& of(const TcpSnapshot& snapshot, Direction direction, std::uint16_t port) {
  for (const PortCounts& counts : snapshot.of(direction).ports) {
    if (counts.port == port) return counts;
  }
  return snapshot.of(direction).other;
}

const PortCounts& service(const TcpSnapshot& snapshot) {
  return of(snapshot, Direction::inbound, kService);
}

const Stay& stay(const PortCounts& counts, TcpState state) {
  return counts.stays[passing_index_of(state)];
}

struct CauseRow {
  std::string it;
  std::uint32_t inode;
  std::uint32_t receive_queue;
  CloseWaitCause cause;
};

const std::vector<CauseRow> kCauses = {
    {"nobody accepted", 0, 1, CloseWaitCause::not_accepted},
    {"nobody accepted though it has data", 0, 500, CloseWaitCause::not_accepted},
    {"nobody accepted though it holds a goodbye", 0, 25, CloseWaitCause::not_accepted},
    {"holds data", 5, 2, CloseWaitCause::unread_data},
    {"holds a little less than a goodbye", 5, 16, CloseWaitCause::unread_data},
    {"holds the shortest goodbye", 5, 17, CloseWaitCause::unread_goodbye},
    {"holds a close_notify of TLS 1.3", 5, 25, CloseWaitCause::unread_goodbye},
    {"holds the longest goodbye", 5, 124, CloseWaitCause::unread_goodbye},
    {"holds a little more than a goodbye", 5, 125, CloseWaitCause::unread_data},
    {"holds as much as a goodbye and 128 bytes", 5, 25 + 128, CloseWaitCause::unread_data},
    {"holds more than 32 bits of a length show", 5, 0xffffffff, CloseWaitCause::unread_data},
    {"holds the end alone", 5, 1, CloseWaitCause::unread_eof},
    {"was read to its end", 5, 0, CloseWaitCause::not_closed},
};

}  // namespace

TEST_CASE("A CLOSE_WAIT has one cause") {
  for (const CauseRow& row : kCauses) {
    INFO("a CLOSE_WAIT that " << row.it);
    SocketRecord record = inbound(TcpState::close_wait);
    record.inode = row.inode;
    record.receive_queue = row.receive_queue;
    const TcpSnapshot snapshot = Counter().count({record});
    const auto& causes = service(snapshot).close_wait_causes;
    CHECK(causes[index_of(row.cause)] == 1);
    CHECK(std::accumulate(causes.begin(), causes.end(), 0U) == 1);
  }
}

TEST_CASE("A goodbye is one of the table's lengths and no other") {
  CHECK(std::is_sorted(kGoodbyeLengths.begin(), kGoodbyeLengths.end()));
  for (std::uint32_t length = 0; length < 1000; ++length) {
    CAPTURE(length);
    CHECK(is_goodbye(length) ==
          (std::count(kGoodbyeLengths.begin(), kGoodbyeLengths.end(), length) == 1));
  }
}

TEST_CASE("Lingering begins at the threshold of the state") {
  for (std::size_t i = 0; i < kPassingStateCount; ++i) {
    const TcpState state = kPassingStates[i];
    CAPTURE(name_of(state));
    const auto threshold = TcpPolicy{}.lifetimes.thresholds[i];
    Counter counter;
    CHECK(stay(service(counter.count({inbound(state)})), state).lingering == 0);
    counter.pass(threshold - 1ms);
    CHECK(stay(service(counter.count({inbound(state)})), state).lingering == 0);
    counter.pass(1ms);
    const TcpSnapshot snapshot = counter.count({inbound(state)});
    CHECK(stay(service(snapshot), state).lingering == 1);
    CHECK(stay(service(snapshot), state).oldest == threshold);
    CHECK(snapshot.lingering_thresholds[i] == threshold);
  }
}

TEST_CASE("ESTABLISHED, LISTEN and TIME_WAIT are not followed") {
  TcpPolicy policy;
  policy.lifetimes.max_sockets = 0;
  const TcpSnapshot snapshot = Counter(policy).count(
      {inbound(TcpState::established), inbound(TcpState::time_wait), inbound(TcpState::close)});
  CHECK(snapshot.unfollowed_sockets == 0);
  CHECK(Counter(policy).count({inbound(TcpState::close_wait)}).unfollowed_sockets == 1);
}

TEST_CASE("New thresholds hold for ages that were there before") {
  Counter counter;
  counter.count({inbound(TcpState::close_wait)});
  counter.pass(10s);
  TcpPolicy policy;
  policy.lifetimes.thresholds.fill(5s);
  counter.tally().set_policy(policy);
  const TcpSnapshot snapshot = counter.count({inbound(TcpState::close_wait)});
  CHECK(stay(service(snapshot), TcpState::close_wait).lingering == 1);
  CHECK(stay(service(snapshot), TcpState::close_wait).oldest == 10s);
}

TEST_CASE("A leak beside churn is the only one that lingers") {
  Counter counter;
  for (std::uint64_t second = 0; second < 120; ++second) {
    std::vector<SocketRecord> records = {inbound(TcpState::close_wait, 1)};
    for (std::uint64_t i = 0; i < 20; ++i) {
      records.push_back(inbound(TcpState::close_wait, 100 + second * 20 + i));
    }
    const TcpSnapshot snapshot = counter.count(records);
    CHECK(service(snapshot).sockets[index_of(TcpState::close_wait)] == 21);
    CHECK(stay(service(snapshot), TcpState::close_wait).lingering == (second >= 60 ? 1U : 0U));
    CHECK(stay(service(snapshot), TcpState::close_wait).oldest == std::chrono::seconds(second));
    counter.pass(1s);
  }
}

TEST_CASE("A CLOSE_WAIT is dated by its last acknowledgement, a jiffy off at most") {
  Counter counter;
  SocketRecord record = inbound(TcpState::close_wait, 1);
  record.since_last_ack = 300s;
  counter.tally().date(record, counter.now());
  SocketRecord other = inbound(TcpState::last_ack, 2);
  other.since_last_ack = 300s;
  counter.tally().date(other, counter.now());
  const TcpSnapshot snapshot =
      counter.count({inbound(TcpState::close_wait, 1), inbound(TcpState::last_ack, 2)});
  CHECK(stay(service(snapshot), TcpState::close_wait).lingering == 1);
  CHECK(stay(service(snapshot), TcpState::close_wait).oldest <= 300s);
  CHECK(stay(service(snapshot), TcpState::close_wait).oldest >= 300s - 20ms);
  CHECK(stay(service(snapshot), TcpState::close_wait).oldest <= 300s - 10ms);
  CHECK(stay(service(snapshot), TcpState::last_ack).oldest == 0s);
}

TEST_CASE("FIN_WAIT2 that an application holds is kept apart from orphans") {
  SocketRecord mini = inbound(TcpState::fin_wait2, 2);
  mini.kind = SocketKind::time_wait;
  mini.inode = 0;
  const TcpSnapshot snapshot = Counter().count({inbound(TcpState::fin_wait2, 1), mini});
  CHECK(service(snapshot).sockets[index_of(TcpState::fin_wait2)] == 2);
  CHECK(service(snapshot).orphaned_fin_wait2 == 1);
  CHECK(service(snapshot).time_wait_started == 0);
}

TEST_CASE("Half-open connections count once their SYN-ACK was sent again, with their networks") {
  std::vector<SocketRecord> records;
  for (std::uint8_t i = 0; i < 9; ++i) {
    SocketRecord record = inbound(TcpState::syn_recv, i);
    record.kind = SocketKind::request;
    record.inode = 0;
    record.retransmits = i < 6 ? 1 : 0;
    const std::array<std::uint8_t, 4> client = {10, 0, static_cast<std::uint8_t>(i % 3), i};
    record.remote_address = IpAddress::from_ipv4(client.data());
    records.push_back(record);
  }
  const TcpSnapshot snapshot = Counter().count(records);
  CHECK(service(snapshot).sockets[index_of(TcpState::syn_recv)] == 9);
  CHECK(service(snapshot).retransmitting_syn_recv == 6);
  CHECK(service(snapshot).syn_recv_prefixes == 3);
  CHECK(snapshot.request_sockets == 9);
}

TEST_CASE("TIME_WAITs are counted by service as they begin") {
  SocketRecord first = inbound(TcpState::time_wait, 1);
  first.timer_remaining = 59s;
  SocketRecord second = outbound(TcpState::time_wait, 2);
  second.timer_remaining = 59s;
  Counter counter;
  CHECK(service(counter.count({})).time_wait_started == 0);
  const TcpSnapshot began = counter.pass(5s).count({first, second});
  CHECK(service(began).time_wait_started == 1);
  CHECK(of(began, Direction::outbound, 443).time_wait_started == 1);
  first.timer_remaining = 54s;
  counter.pass(5s).begin({first, second});  // lost
  const TcpSnapshot later = counter.pass(5s).count({first});
  CHECK(service(later).time_wait_started == 1);
  CHECK(of(later, Direction::outbound, 443).time_wait_started == 1);
}

TEST_CASE("In a pile each socket counts once for its service, whatever the batch that it is in") {
  constexpr std::uint32_t kEach = 40'001;  // of three kinds
  std::vector<SocketRecord> records;
  for (std::uint32_t i = 0; i < kEach; ++i) {
    records.push_back(inbound(TcpState::close_wait, 10 + i));
    records.push_back(outbound(TcpState::fin_wait2, 10 + kEach + i));
    records.push_back(outbound(TcpState::time_wait, 10 + 2 * kEach + i));
    records.back().timer_remaining = 59s;
  }
  Counter counter;
  counter.count({});
  const TcpSnapshot first = counter.pass(5s).count(records);
  CHECK(of(first, Direction::outbound, 443).time_wait_started == kEach);
  CHECK(service(first).time_wait_started == 0);
  const TcpSnapshot later = counter.pass(95s).count(records);
  CHECK(stay(service(later), TcpState::close_wait).lingering == kEach);
  CHECK(stay(service(later), TcpState::close_wait).oldest == 95s);
  const PortCounts& peer = of(later, Direction::outbound, 443);
  CHECK(stay(peer, TcpState::fin_wait2).lingering == kEach);
  CHECK(peer.time_wait_started == kEach);
  CHECK(later.unfollowed_sockets == 0);
}

TEST_CASE("Ephemeral ports are counted for the outgoing connections that take them") {
  TcpPolicy policy;
  policy.destinations = {.busiest = 3, .export_addresses = true};
  SocketRecord bound = outbound(TcpState::established, 5);
  bound.local_port = 39999;  // chosen by the application
  SocketRecord reserved = outbound(TcpState::established, 6);
  reserved.local_port = 40055;
  SocketRecord elsewhere = outbound(TcpState::established, 7);
  elsewhere.remote_address = ipv4(9);
  const TcpSnapshot snapshot =
      Counter(policy).count({outbound(TcpState::established, 2), outbound(TcpState::time_wait, 3),
                             outbound(TcpState::syn_sent, 4), inbound(TcpState::established), bound,
                             reserved, elsewhere});
  CHECK(snapshot.ephemeral.available == 90);
  CHECK(snapshot.ephemeral.ranks == 3);
  CHECK(snapshot.ephemeral.export_addresses);
  REQUIRE(snapshot.ephemeral.busiest.size() == 2);
  CHECK(snapshot.ephemeral.busiest[0].ephemeral_ports == 3);
  CHECK(snapshot.ephemeral.busiest[0].destination == Destination{ipv4(1), ipv4(2), 443});
  CHECK(snapshot.ephemeral.busiest[1].destination == Destination{ipv4(1), ipv4(9), 443});
}

TEST_CASE("Without the reserved ports nothing is said of ephemeral ones") {
  Counter counter;
  counter.reserved.reset();
  const TcpSnapshot snapshot = counter.count({outbound(TcpState::established)});
  CHECK_FALSE(snapshot.ephemeral.available.has_value());
  CHECK(snapshot.ephemeral.busiest.empty());
  CHECK(snapshot.ephemeral.ranks == 0);
  CHECK(of(snapshot, Direction::outbound, 443).sockets[index_of(TcpState::established)] == 1);
}

TEST_CASE("A port without series of its own gives all it has to the others") {
  TcpPolicy policy;
  policy.ports.max_ports = 1;
  policy.ports.inbound = {9};  // takes the only seat
  policy.lifetimes.thresholds.fill(1s);
  std::vector<SocketRecord> records = {
      inbound(TcpState::close_wait, 1), inbound(TcpState::fin_wait2, 2),
      inbound(TcpState::syn_recv, 3), inbound(TcpState::time_wait, 4)};
  records[1].inode = 0;
  records[2].retransmits = 1;
  records[3].timer_remaining = 60s;
  Counter counter(policy);
  counter.count({records[0], records[1], records[2]});
  const TcpSnapshot snapshot = counter.pass(2s).count(records);
  const PortCounts& other = snapshot.of(Direction::inbound).other;
  CHECK(service(snapshot).port == 0);
  CHECK(other.close_wait_causes[index_of(CloseWaitCause::not_closed)] == 1);
  CHECK(stay(other, TcpState::close_wait).lingering == 1);
  CHECK(stay(other, TcpState::close_wait).oldest == 2s);
  CHECK(other.orphaned_fin_wait2 == 1);
  CHECK(other.retransmitting_syn_recv == 1);
  CHECK(other.syn_recv_prefixes == 1);
  CHECK(other.time_wait_started == 1);
}

TEST_CASE("Each sample counts networks and destinations anew") {
  SocketRecord half_open = inbound(TcpState::syn_recv, 1);
  half_open.retransmits = 1;
  Counter counter;
  for (int sample = 0; sample < 2; ++sample) {
    const TcpSnapshot snapshot =
        counter.pass(1s).count({half_open, outbound(TcpState::established, 2)});
    CHECK(service(snapshot).syn_recv_prefixes == 1);
    REQUIRE(snapshot.ephemeral.busiest.size() == 1);
    CHECK(snapshot.ephemeral.busiest[0].ephemeral_ports == 1);
  }
}

TEST_CASE("A service on an ephemeral port takes none of them") {
  SocketRecord own = listener();
  own.local_port = 40001;
  SocketRecord accepted = inbound(TcpState::established, 2);
  accepted.local_port = 40001;
  CHECK(Counter().count({own, accepted}).ephemeral.busiest.empty());
}

TEST_CASE("Whatever the sockets, causes sum to the state, ages keep bounds, counters never fall") {
  std::mt19937 random(20261124);
  const auto pick = [&](int most) { return std::uniform_int_distribution<>(0, most)(random); };
  TcpPolicy policy;
  policy.ports.max_ports = 5;
  policy.lifetimes.max_sockets = 50;
  Counter counter(policy);
  const auto start = counter.now();
  std::map<std::pair<Direction, std::uint16_t>, std::uint64_t> started;
  const auto check = [&](Direction direction, const PortCounts& counts) {
    const auto& causes = counts.close_wait_causes;
    REQUIRE(std::accumulate(causes.begin(), causes.end(), 0U) ==
            counts.sockets[index_of(TcpState::close_wait)]);
    for (std::size_t i = 0; i < kPassingStateCount; ++i) {
      REQUIRE(counts.stays[i].oldest >= 0ms);
      REQUIRE(counts.stays[i].oldest <= counter.now() - start);
      REQUIRE(counts.stays[i].lingering <= counts.sockets[index_of(kPassingStates[i])]);
    }
    REQUIRE(counts.orphaned_fin_wait2 <= counts.sockets[index_of(TcpState::fin_wait2)]);
    REQUIRE(counts.retransmitting_syn_recv <= counts.sockets[index_of(TcpState::syn_recv)]);
    REQUIRE(counts.syn_recv_prefixes <= counts.retransmitting_syn_recv);
    std::uint64_t& before = started[{direction, counts.port}];
    REQUIRE(counts.time_wait_started >= before);
    before = counts.time_wait_started;
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<SocketRecord> records;
    for (int i = pick(200); i > 0; --i) {
      SocketRecord record =
          pick(1) == 0 ? inbound(TcpState::established) : outbound(TcpState::established);
      record.state_number = static_cast<std::uint8_t>(pick(13));
      record.cookie = static_cast<std::uint64_t>(pick(300));
      record.remote_port = static_cast<std::uint16_t>(pick(20) * 10);
      record.inode = static_cast<std::uint32_t>(pick(2));
      record.receive_queue = static_cast<std::uint32_t>(pick(30));
      record.retransmits = static_cast<std::uint8_t>(pick(1));
      record.timer_remaining = std::chrono::milliseconds(pick(70'000));
      records.push_back(record);
    }
    counter.pass(std::chrono::milliseconds(pick(20'000)));
    if (pick(5) == 0) {
      counter.begin(records);
      continue;
    }
    const TcpSnapshot snapshot = counter.count(records);
    for (const Direction direction : kDirections) {
      for (const PortCounts& counts : snapshot.of(direction).ports) check(direction, counts);
      check(direction, snapshot.of(direction).other);
    }
  }
}

TEST_CASE("CLOSE_WAITs that their peers acknowledged lately are served") {
  TcpTally tally(std::make_shared<TallyScratch>(), {});
  const auto start = TcpTally::TimePoint() + 1h;
  const std::vector<SocketRecord> sockets = {inbound(TcpState::close_wait, 1),
                                             inbound(TcpState::close_wait, 2)};
  const auto count = [&](TcpTally::TimePoint now) {
    tally.begin({{40000, 40099}, {}}, now);
    tally.add(listener());
    for (const SocketRecord& socket : sockets) tally.add(socket);
    return tally.finish(now).of(Direction::inbound).ports.at(0);
  };
  const auto lingering = [](const PortCounts& port) {
    return port.lingering_close_wait[index_of(CloseWaitCause::not_closed)];
  };
  static_cast<void>(count(start));
  CHECK(lingering(count(start + 60s)) == 2);
  for (const SocketRecord& socket : sockets) {
    SocketRecord heard = socket;
    heard.since_last_ack = socket.cookie == 1 ? 59s : 60s;
    tally.add_served(heard);
  }
  const PortCounts port = count(start + 61s);
  CHECK(port.served_close_wait == 1);
  CHECK(lingering(port) == 1);
  CHECK(port.stays[passing_index_of(TcpState::close_wait)].lingering == 2);
  tally.forget_served();
  CHECK(lingering(count(start + 62s)) == 2);
}

}  // namespace sockdiag::test
