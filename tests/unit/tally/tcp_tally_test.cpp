// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/tcp_tally.hpp"

#include <numeric>
#include <random>

#include "counter.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {

namespace {

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

}  // namespace

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
