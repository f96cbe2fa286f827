// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/service_ports.hpp"

#include <random>

#include "counter.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {

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

}  // namespace sockdiag::test
