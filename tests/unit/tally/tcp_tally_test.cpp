// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/tcp_tally.hpp"

#include <memory>
#include <numeric>
#include <random>

#include "netlink/inet_diag.hpp"
#include "support/catch.hpp"
#include "support/dump_builder.hpp"

namespace sockdiag::test {
namespace {

using namespace std::chrono_literals;

const EphemeralPorts kEphemeral({32768, 60999}, std::vector<PortRange>{});

SocketSpec listener(const std::string& local, std::uint32_t queue = 0, std::uint32_t limit = 128) {
  const char* remote = local.front() == '[' ? "[::]:0" : "0.0.0.0:0";
  return {
      .state = 10, .local = local, .remote = remote, .receive_queue = queue, .send_queue = limit};
}

SocketSpec connection(const std::string& local, const std::string& remote, TcpState state) {
  return {.state = static_cast<std::uint8_t>(state), .local = local, .remote = remote};
}

SocketSpec established(const std::string& local, const std::string& remote) {
  return connection(local, remote, TcpState::established);
}

// A tally and a clock of its own.
class Counter {
 public:
  explicit Counter(PortPolicy ports = {})
      : tally_(std::make_unique<TcpTally>(TcpPolicy{std::move(ports), {}, {}})) {}

  TcpSnapshot count(const std::vector<SocketSpec>& sockets) {
    begin(sockets);
    return tally_->finish(now_);
  }
  void begin(const std::vector<SocketSpec>& sockets) {
    tally_->begin(ephemeral, now_);
    for (const SocketSpec& spec : sockets) tally_->add(decode_socket(encode(spec)));
  }
  void poll(const std::vector<SocketSpec>& sockets) {
    for (const SocketSpec& spec : sockets) tally_->add_polled(decode_socket(encode(spec)), now_);
  }
  void pass(std::chrono::seconds time) { now_ += time; }
  TcpTally& tally() { return *tally_; }
  EphemeralPorts ephemeral = kEphemeral;

 private:
  std::unique_ptr<TcpTally> tally_;
  TcpTally::TimePoint now_{};
};

const PortCounts* find(const TcpSnapshot& snapshot, Direction direction, std::uint16_t port) {
  for (const PortCounts& counts : snapshot.of(direction).ports) {
    if (counts.port == port) return &counts;
  }
  return nullptr;
}

const PortCounts& at(const TcpSnapshot& snapshot, Direction direction, std::uint16_t port) {
  const PortCounts* counts = find(snapshot, direction, port);
  REQUIRE(counts != nullptr);
  return *counts;
}

std::uint32_t in_state(const PortCounts& counts, TcpState state) {
  return counts.sockets[index_of(state)];
}

std::uint64_t sum(const StateCounts& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

std::uint64_t sum_of_ports(const TcpSnapshot& snapshot) {
  std::uint64_t total = 0;
  for (const Direction direction : kDirections) {
    total += sum(snapshot.of(direction).other.sockets);
    for (const PortCounts& counts : snapshot.of(direction).ports) total += sum(counts.sockets);
  }
  return total;
}

std::vector<std::uint16_t> ports(const TcpSnapshot& snapshot, Direction direction) {
  std::vector<std::uint16_t> result;
  for (const PortCounts& counts : snapshot.of(direction).ports) result.push_back(counts.port);
  return result;
}

using Ports = std::vector<std::uint16_t>;
constexpr auto kInbound = Direction::inbound;
constexpr auto kOutbound = Direction::outbound;
constexpr auto kEstablished = TcpState::established;

}  // namespace

TEST_CASE("The two ends of a loopback connection are one inbound and one outbound socket") {
  const auto snapshot =
      Counter().count({listener("0.0.0.0:80"), established("127.0.0.1:80", "127.0.0.1:40000"),
                       established("127.0.0.1:40000", "127.0.0.1:80")});
  CHECK(in_state(at(snapshot, kInbound, 80), TcpState::listen) == 1);
  CHECK(in_state(at(snapshot, kInbound, 80), kEstablished) == 1);
  CHECK(in_state(at(snapshot, kOutbound, 80), kEstablished) == 1);
  CHECK(snapshot.sockets == 3);
  CHECK(sum_of_ports(snapshot) == 3);
}

TEST_CASE("Half-open connections are inbound with or without a listener") {
  const auto half_open = connection("10.0.0.1:40081", "192.0.2.1:40000", TcpState::syn_recv);
  const auto with = Counter().count({listener("0.0.0.0:40081"), half_open});
  CHECK(in_state(at(with, kInbound, 40081), TcpState::syn_recv) == 1);
  const auto without = Counter().count({half_open});
  CHECK(in_state(without.of(kInbound).other, TcpState::syn_recv) == 1);
  CHECK(without.of(kInbound).folded_ports == 1);
}

TEST_CASE("A listener on another address does not make a connection inbound") {
  const auto snapshot =
      Counter().count({listener("127.0.0.2:80"), established("127.0.0.1:80", "192.0.2.1:443")});
  CHECK(in_state(at(snapshot, kOutbound, 443), kEstablished) == 1);
  CHECK(in_state(at(snapshot, kInbound, 80), kEstablished) == 0);
}

struct DirectionRow {
  const char* it;
  std::uint16_t local, remote;
  Direction direction;
};

TEST_CASE("Without a listener the ephemeral range tells the direction") {
  for (const DirectionRow& row :
       {DirectionRow{"accepted on 443 from an ephemeral port", 443, 40000, kInbound},
        DirectionRow{"called 443 from an ephemeral port", 40000, 443, kOutbound},
        DirectionRow{"accepted on 443 from a port that Windows chose", 443, 61500, kInbound},
        DirectionRow{"called 61616 from an ephemeral port", 40000, 61616, kOutbound},
        DirectionRow{"called NFS from a privileged port", 700, 2049, kOutbound},
        DirectionRow{"has ephemeral ports at both ends", 40000, 50000, kOutbound}}) {
    INFO("a connection that " << row.it);
    const auto snapshot = Counter().count({established("10.0.0.1:" + std::to_string(row.local),
                                                       "192.0.2.1:" + std::to_string(row.remote))});
    const DirectionCounts& counts = snapshot.of(row.direction);
    const std::uint16_t port = row.direction == kInbound ? row.local : row.remote;
    const PortCounts* own = find(snapshot, row.direction, port);
    CHECK(in_state(own != nullptr ? *own : counts.other, kEstablished) == 1);
    CHECK((own != nullptr) == (port < 32768 || port > 60999));
  }
}

std::vector<SocketSpec> connections(const std::string& local_address, int first_local,
                                    const std::string& remote, int count) {
  std::vector<SocketSpec> sockets;
  for (int i = 0; i < count; ++i) {
    sockets.push_back(
        established(local_address + ":" + std::to_string(first_local + 2 * i), remote));
  }
  return sockets;
}

TEST_CASE("No client's port gets a name, from whatever range of its own the client took it") {
  for (const int service : {443, 8080, 50051, 62000}) {
    CAPTURE(service);
    Counter counter;
    std::mt19937 random{20261126};
    std::uniform_int_distribution<> client_port(1024, 65535);
    std::vector<SocketSpec> sockets;
    for (int i = 0; i < 1000; ++i) {
      sockets.push_back(established("10.0.0.1:" + std::to_string(service),
                                    "192.0.2.1:" + std::to_string(client_port(random))));
    }
    counter.begin(sockets);
    CHECK(counter.tally().learn_services());
    CHECK(ports(counter.count(sockets), kOutbound).empty());
    const auto second = counter.count(sockets);
    CHECK(ports(second, kOutbound).empty());
    CHECK(sum(at(second, kInbound, static_cast<std::uint16_t>(service)).sockets) == 1000);
  }
}

TEST_CASE("Of two fixed high ports the remote one is the service's") {
  const auto snapshot = Counter().count({established("10.0.0.1:61500", "192.0.2.1:62000")});
  CHECK(in_state(at(snapshot, kOutbound, 62000), kEstablished) == 1);
}

TEST_CASE("In a wide range the height of a port says nothing of the direction") {
  Counter counter;
  counter.ephemeral = EphemeralPorts({1024, 65535}, std::vector<PortRange>{});
  const auto snapshot = counter.count({established("10.0.0.1:20000", "192.0.2.1:50051")});
  CHECK(in_state(snapshot.of(kOutbound).other, kEstablished) == 1);
}

TEST_CASE("A reserved port is a service's like one outside of the range") {
  Counter counter;
  counter.ephemeral = EphemeralPorts({1024, 65535}, std::vector<PortRange>{{3306, 3306}});
  const auto snapshot = counter.count({established("10.0.0.1:40000", "192.0.2.1:3306"),
                                       established("10.0.0.1:3306", "192.0.2.1:40000")});
  CHECK(in_state(at(snapshot, kOutbound, 3306), kEstablished) == 1);
  CHECK(in_state(at(snapshot, kInbound, 3306), kEstablished) == 1);
}

TEST_CASE("A remote port that is listened to on this host has series of its own") {
  const auto snapshot = Counter().count({listener("127.0.0.1:50051"),
                                         established("10.0.0.1:40000", "192.0.2.1:50051"),
                                         established("10.0.0.1:40002", "192.0.2.1:50052")});
  CHECK(ports(snapshot, kOutbound) == Ports{50051});
}

TEST_CASE("A service in the ephemeral range is named from the sample after its sockets on") {
  Counter counter;
  const auto sockets = connections("10.0.0.1", 40000, "192.0.2.1:50051", 5);
  const auto first = counter.count(sockets);
  CHECK(in_state(first.of(kOutbound).other, kEstablished) == 5);
  const auto second = counter.count(sockets);
  CHECK(in_state(at(second, kOutbound, 50051), kEstablished) == 5);
  CHECK(sum_of_ports(second) == 5);
}

TEST_CASE("Accepted connections of a service that only their number tells are inbound") {
  Counter counter;
  std::vector<SocketSpec> sockets;
  for (int i = 0; i < 50; ++i) {
    sockets.push_back(established("10.0.0.1:50051", "192.0.2.1:" + std::to_string(40000 + 2 * i)));
  }
  counter.begin(sockets);
  CHECK(counter.tally().learn_services());
  const auto snapshot = counter.count(sockets);
  CHECK(in_state(at(snapshot, kInbound, 50051), kEstablished) == 50);
  CHECK(snapshot.of(kOutbound).folded_ports == 0);
  counter.begin(sockets);
  CHECK_FALSE(counter.tally().learn_services());
}

// TPROXY to a port of the range, for clients whose systems have wider ranges than this host's.
TEST_CASE("No client's port is a service's, whatever range the clients have") {
  struct Row {
    const char* it;
    int first, step;
  };
  for (const Row& row : {Row{"Windows's ports", 49152, 331}, Row{"ports of a NAT", 1024, 1301}}) {
    INFO("clients with " << row.it);
    Counter counter;
    std::vector<SocketSpec> sockets;
    for (int i = 0; i < 49; ++i) {
      sockets.push_back(
          established("10.0.0.1:50051", "192.0.2.1:" + std::to_string(row.first + i * row.step)));
    }
    counter.begin(sockets);
    CHECK(counter.tally().learn_services());
    const auto snapshot = counter.count(sockets);
    CHECK(in_state(at(snapshot, kInbound, 50051), kEstablished) == 49);
    CHECK(ports(snapshot, kOutbound).empty());
  }
}

TEST_CASE("A client that has bound a port outside of the range stays a client") {
  for (const int first_local : {700, 61000}) {
    CAPTURE(first_local);
    Counter counter;
    const auto sockets = connections("10.0.0.1", first_local, "192.0.2.1:50051", 20);
    counter.begin(sockets);
    CHECK(counter.tally().learn_services());
    const auto snapshot = counter.count(sockets);
    CHECK(in_state(at(snapshot, kOutbound, 50051), kEstablished) == 20);
    CHECK(ports(snapshot, kInbound).empty());
  }
}

TEST_CASE("A listener that only a poll has shown makes no inbound connection of a client's") {
  Counter counter;
  counter.poll({listener("10.0.0.1:40000")});
  const auto snapshot = counter.count({established("10.0.0.1:40000", "192.0.2.1:3306")});
  CHECK(in_state(at(snapshot, kOutbound, 3306), kEstablished) == 1);
  CHECK(ports(snapshot, kInbound).empty());
}

TEST_CASE("A listener that only a poll has shown makes its connections inbound") {
  Counter counter({.inbound = {}, .outbound = {}, .max_ports = 9, .port_retention = 60s});
  const auto accepted = established("10.0.0.1:40000", "192.0.2.1:50000");
  counter.poll({listener("10.0.0.1:40000"), accepted});
  const auto snapshot = counter.count({accepted});
  CHECK(in_state(at(snapshot, kInbound, 40000), kEstablished) == 1);
  CHECK(snapshot.sockets == 1);
  counter.pass(61s);
  CHECK(in_state(counter.count({accepted}).of(kOutbound).other, kEstablished) == 1);
}

std::vector<SocketSpec> time_waits(const std::string& local, std::uint64_t first_cookie,
                                   int count) {
  std::vector<SocketSpec> sockets;
  for (int i = 0; i < count; ++i) {
    auto spec = connection(local, "192.0.2.1:" + std::to_string(40000 + i), TcpState::time_wait);
    spec.timer = 3;
    spec.expires_ms = 59'000;
    spec.cookie = first_cookie + static_cast<std::uint64_t>(i);
    sockets.push_back(spec);
  }
  return sockets;
}

TEST_CASE("Counters of a port go on where they were when its seat yields and comes back") {
  Counter counter({.inbound = {}, .outbound = {}, .max_ports = 1, .port_retention = 5s});
  counter.count({listener("0.0.0.0:80")});
  counter.pass(5s);
  const auto first = counter.count(time_waits("10.0.0.1:80", 1, 3));
  CHECK(at(first, kInbound, 80).time_wait_started == 3);
  CHECK(first.of(kInbound).other.time_wait_started == 0);
  counter.pass(6s);
  const auto yielded = counter.count(time_waits("10.0.0.1:81", 10, 30));
  CHECK(ports(yielded, kInbound) == Ports{81});
  CHECK(at(yielded, kInbound, 81).time_wait_started == 30);
  counter.pass(5s);
  auto both = time_waits("10.0.0.1:81", 10, 30);
  for (const auto& each : time_waits("10.0.0.1:80", 50, 2)) both.push_back(each);
  CHECK(counter.count(both).of(kInbound).other.time_wait_started == 2);
  counter.pass(6s);
  const auto back = counter.count(time_waits("10.0.0.1:80", 90, 4));
  CHECK(at(back, kInbound, 80).time_wait_started == 3 + 4);
  CHECK(back.of(kInbound).other.time_wait_started == 2);
}

TEST_CASE("Local ephemeral ports are counted once, whatever their sockets' states and peers") {
  auto waiting = connection("10.0.0.1:40002", "192.0.2.1:443", TcpState::time_wait);
  Counter counter;
  const auto snapshot = counter.count({listener("0.0.0.0:40000"), listener("0.0.0.0:80"), waiting,
                                       established("10.0.0.1:40001", "192.0.2.1:443"),
                                       established("10.0.0.1:40001", "192.0.2.2:443"),
                                       established("[::1]:40003", "[::1]:40000"),
                                       established("10.0.0.1:61000", "192.0.2.2:443")});
  CHECK(snapshot.ephemeral.local_ports_used == 4U);
  CHECK(counter.count({waiting}).ephemeral.local_ports_used == 1U);
}

TEST_CASE("An outbound port in the ephemeral range folds unless it is configured") {
  const std::vector<SocketSpec> sockets = {established("10.0.0.1:33000", "192.0.2.1:40000"),
                                           established("10.0.0.1:33001", "192.0.2.1:40000"),
                                           established("10.0.0.1:33002", "192.0.2.1:40001"),
                                           established("10.0.0.1:33003", "192.0.2.1:32767"),
                                           established("10.0.0.1:33004", "192.0.2.1:61000")};
  const auto folded = Counter().count(sockets);
  CHECK(ports(folded, kOutbound) == Ports{32767, 61000});
  CHECK(in_state(folded.of(kOutbound).other, kEstablished) == 3);
  CHECK(folded.of(kOutbound).folded_ports == 2);

  const auto configured = Counter({.inbound = {}, .outbound = {40000}}).count(sockets);
  CHECK(ports(configured, kOutbound) == Ports{32767, 40000, 61000});
  CHECK(in_state(at(configured, kOutbound, 40000), kEstablished) == 2);
  CHECK(configured.of(kOutbound).folded_ports == 1);
}

TEST_CASE("A listener in the ephemeral range has a port of its own") {
  const auto snapshot = Counter().count({listener("0.0.0.0:40000")});
  CHECK(ports(snapshot, kInbound) == Ports{40000});
}

TEST_CASE("Configured ports are there without any socket") {
  const auto snapshot = Counter({.inbound = {443, 443}, .outbound = {5432}}).count({});
  CHECK(ports(snapshot, kInbound) == Ports{443});
  CHECK(ports(snapshot, kOutbound) == Ports{5432});
  CHECK(sum_of_ports(snapshot) == 0);
}

TEST_CASE("A port whose listener has gone stays inbound for the retention") {
  Counter counter({.inbound = {}, .outbound = {}, .max_ports = 9, .port_retention = 60s});
  const auto connected = established("10.0.0.1:40080", "192.0.2.1:40000");
  counter.count({listener("0.0.0.0:40080"), connected});
  counter.pass(60s);
  CHECK(in_state(at(counter.count({connected}), kInbound, 40080), kEstablished) == 1);
  counter.pass(1s);
  const auto later = counter.count({connected});
  CHECK(in_state(later.of(kOutbound).other, kEstablished) == 1);
  CHECK(sum_of_ports(later) == 1);
}

TEST_CASE("An excluded port is counted as other in both directions, which it does not change") {
  PortPolicy ports;
  ports.exclude.add({9090, 9100});
  Counter counter(ports);
  const auto snapshot =
      counter.count({listener("0.0.0.0:9100"), established("10.0.0.1:9100", "192.0.2.1:40000"),
                     established("10.0.0.1:40001", "192.0.2.2:9090"),
                     established("10.0.0.1:40002", "192.0.2.2:443")});
  CHECK(test::ports(snapshot, kInbound).empty());
  CHECK(test::ports(snapshot, kOutbound) == Ports{443});
  CHECK(in_state(snapshot.of(kInbound).other, TcpState::listen) == 1);
  CHECK(in_state(snapshot.of(kInbound).other, kEstablished) == 1);
  CHECK(in_state(snapshot.of(kOutbound).other, kEstablished) == 1);
  CHECK(snapshot.of(kInbound).folded_ports == 1);
  CHECK(snapshot.of(kOutbound).folded_ports == 1);
}

TEST_CASE("A port that is excluded loses its series at once, and gets them back when it is not") {
  Counter counter;
  const std::vector<SocketSpec> sockets = {listener("0.0.0.0:80"), listener("0.0.0.0:9100")};
  CHECK(ports(counter.count(sockets), kInbound) == Ports{80, 9100});
  counter.tally().set_policy({{.exclude = {9100}}, {}, {}});
  CHECK(ports(counter.count(sockets), kInbound) == Ports{80});
  counter.tally().set_policy({});
  CHECK(ports(counter.count(sockets), kInbound) == Ports{80, 9100});
}

TEST_CASE("More ports than there are seats are counted as other, visibly") {
  Counter counter({.inbound = {}, .outbound = {}, .max_ports = 2});
  const auto snapshot =
      counter.count({listener("0.0.0.0:1", 3, 4), listener("0.0.0.0:2"), listener("0.0.0.0:3"),
                     listener("0.0.0.0:4", 5, 9), established("127.0.0.1:2", "127.0.0.1:40000"),
                     established("127.0.0.1:3", "127.0.0.1:40000")});
  CHECK(ports(snapshot, kInbound) == Ports{2, 3});
  CHECK(snapshot.of(kInbound).folded_ports == 2);
  CHECK(in_state(snapshot.of(kInbound).other, TcpState::listen) == 2);
  CHECK(snapshot.of(kInbound).other.accept_queue.length == 8);
  CHECK(snapshot.of(kInbound).other.accept_queue.limit == 13);
  CHECK(snapshot.of(kInbound).other.accept_queue.utilization == Approx(3.0 / 4));
  CHECK(sum_of_ports(snapshot) == 6);
}

TEST_CASE("An idle port yields its seat, however many listeners share it") {
  Counter counter({.inbound = {}, .outbound = {}, .max_ports = 1});
  std::vector<SocketSpec> sockets(64, listener("0.0.0.0:80"));
  CHECK(ports(counter.count(sockets), kInbound) == Ports{80});
  for (int i = 0; i < 10; ++i) {
    sockets.push_back(connection("10.0.0.1:9150", "192.0.2.1:" + std::to_string(40000 + i),
                                 TcpState::close_wait));
  }
  CHECK(ports(counter.count(sockets), kInbound) == Ports{9150});
}

TEST_CASE("Accept queues add up over a port's listeners, utilization is that of the fullest") {
  const auto snapshot = Counter().count(
      {listener("10.0.0.1:80", 1, 9), listener("10.0.0.2:80", 5, 9), listener("0.0.0.0:81", 2, 1),
       listener("0.0.0.0:82", 1, 0), listener("0.0.0.0:83", 0, 0)});
  const AcceptQueue& two = at(snapshot, kInbound, 80).accept_queue;
  CHECK(two.length == 6);
  CHECK(two.limit == 18);
  CHECK(two.utilization == Approx(5.0 / 9));
  CHECK(at(snapshot, kInbound, 81).accept_queue.utilization == 2);
  CHECK(at(snapshot, kInbound, 82).accept_queue.utilization == 2);
  CHECK(at(snapshot, kInbound, 83).accept_queue.utilization == 0);
}

TEST_CASE("Queue bytes leave listeners out") {
  auto busy = established("127.0.0.1:80", "127.0.0.1:40000");
  busy.receive_queue = 10;
  busy.send_queue = 20;
  const auto snapshot = Counter().count({listener("0.0.0.0:80", 7, 128), busy, busy});
  CHECK(at(snapshot, kInbound, 80).receive_queue_bytes == 20);
  CHECK(at(snapshot, kInbound, 80).send_queue_bytes == 40);
}

TEST_CASE("The family is that on the wire") {
  const auto snapshot = Counter().count(
      {listener("[::]:80"), listener("0.0.0.0:81"),
       established("[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:40000"),
       established("[::1]:80", "[::1]:40000"), established("127.0.0.1:81", "127.0.0.1:40000")});
  const auto& ipv4 = snapshot.families[static_cast<std::size_t>(AddressFamily::ipv4)];
  const auto& ipv6 = snapshot.families[static_cast<std::size_t>(AddressFamily::ipv6)];
  CHECK(ipv4[index_of(kEstablished)] == 2);
  CHECK(ipv4[index_of(TcpState::listen)] == 1);
  CHECK(ipv6[index_of(kEstablished)] == 1);
  CHECK(ipv6[index_of(TcpState::listen)] == 1);
  CHECK(in_state(at(snapshot, kInbound, 80), kEstablished) == 2);
}

TEST_CASE("States nobody knows are counted apart") {
  for (const int state : {0, 12, 13, 255}) {
    CAPTURE(state);
    auto odd = established("127.0.0.1:80", "127.0.0.1:40000");
    odd.state = static_cast<std::uint8_t>(state);
    const auto snapshot = Counter().count({odd, established("127.0.0.1:1", "127.0.0.1:2")});
    CHECK(snapshot.unknown_state_sockets == 1);
    CHECK(snapshot.sockets == 2);
    CHECK(sum_of_ports(snapshot) == 1);
  }
}

TEST_CASE("A socket without a remote port is other and no port") {
  const auto snapshot =
      Counter().count({connection("127.0.0.1:40000", "0.0.0.0:0", TcpState::close)});
  CHECK(in_state(snapshot.of(kOutbound).other, TcpState::close) == 1);
  CHECK(snapshot.of(kOutbound).folded_ports == 0);
}

TEST_CASE("A lost sample leaves no count behind") {
  Counter counter;
  counter.begin({listener("0.0.0.0:80"), established("10.0.0.1:33000", "192.0.2.1:443"),
                 established("10.0.0.1:33000", "192.0.2.1:40000")});
  const auto snapshot = counter.count({listener("0.0.0.0:80")});
  CHECK(snapshot.sockets == 1);
  CHECK(sum_of_ports(snapshot) == 1);
  CHECK(snapshot.of(kOutbound).folded_ports == 0);
  CHECK(sum(snapshot.families[0]) + sum(snapshot.families[1]) == 1);
}

TEST_CASE("A new policy holds from the next sample and keeps the ports it allows") {
  Counter counter;
  counter.count({listener("0.0.0.0:80"), listener("0.0.0.0:81")});
  counter.tally().set_policy({.ports = {.inbound = {9}, .outbound = {}, .max_ports = 3},
                              .lifetimes = {},
                              .destinations = {}});
  CHECK(ports(counter.count({listener("0.0.0.0:81")}), kInbound) == Ports{9, 80, 81});
}

TEST_CASE("Whatever the sockets, each is counted once everywhere") {
  std::mt19937 random(20260102);
  const auto pick = [&](int most) { return std::uniform_int_distribution<>(0, most)(random); };
  const auto queue = [&] { return static_cast<std::uint32_t>(pick(5)); };
  const auto address = [&] {
    return "10.0.0." + std::to_string(pick(3)) + ":" + std::to_string(pick(1) * 32000 + pick(300));
  };
  Counter counter({.inbound = {}, .outbound = {}, .max_ports = 20, .port_retention = 3s});
  for (int round = 0; round < 50; ++round) {
    std::vector<SocketSpec> sockets;
    for (int i = 0; i < 30; ++i) sockets.push_back(listener(address(), queue(), queue()));
    for (int i = 0; i < 300; ++i) {
      auto spec = connection(address(), address(), kEstablished);
      spec.state = static_cast<std::uint8_t>(pick(13));
      sockets.push_back(spec);
    }
    const auto snapshot = counter.count(sockets);
    counter.pass(std::chrono::seconds(pick(4)));
    CHECK(snapshot.sockets == sockets.size());
    CHECK(sum_of_ports(snapshot) + snapshot.unknown_state_sockets == sockets.size());
    CHECK(sum(snapshot.families[0]) + sum(snapshot.families[1]) == sum_of_ports(snapshot));
    CHECK(snapshot.of(kInbound).ports.size() <= 20);
    CHECK(snapshot.of(kOutbound).ports.size() <= 20);
  }
}

}  // namespace sockdiag::test
