// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/core/snapshot_sums.hpp"

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {
using namespace std::chrono_literals;

constexpr std::size_t kEstablished = index_of(TcpState::established);

PortCounts port_with(std::uint16_t port, std::uint32_t established) {
  PortCounts counts{.port = port};
  counts.sockets[kEstablished] = established;
  counts.seen.add_states(counts.sockets);
  return counts;
}

TcpSnapshot inbound(std::vector<PortCounts> ports, PortCounts other = {}) {
  TcpSnapshot snapshot;
  snapshot.directions[index_of(Direction::inbound)] = {std::move(ports), other, 3};
  snapshot.families[0][kEstablished] = 5;
  snapshot.seen_by_family[0].add_states(snapshot.families[0]);
  snapshot.sockets = 10;
  snapshot.unfollowed_sockets = 1;
  snapshot.request_sockets = 2;
  snapshot.unknown_state_sockets = 4;
  snapshot.unaccounted_sockets = -2;
  return snapshot;
}

}  // namespace

TEST_CASE("The counts of a port are added up, ages are the longest", "[namespaces]") {
  PortCounts to = port_with(80, 1);
  PortCounts from = port_with(80, 2);
  to.stays[0] = {1, 5s};
  from.stays[0] = {2, 3s};
  to.accept_queue = {.length = 1, .limit = 10, .utilization = 0.1};
  from.accept_queue = {.length = 2, .limit = 4, .utilization = 0.5};
  from.time_wait_started = 7;
  from.receive_queue_bytes = 8;
  from.send_queue_bytes = 9;
  add_counts(to, from);
  CHECK(to.sockets[kEstablished] == 3);
  CHECK(to.stays[0].lingering == 3);
  CHECK(to.stays[0].oldest == 5s);
  CHECK(to.accept_queue.length == 3);
  CHECK(to.accept_queue.limit == 14);
  CHECK(to.accept_queue.utilization == 0.5);
  CHECK(to.time_wait_started == 7);
  CHECK(to.receive_queue_bytes == 8);
  CHECK(to.send_queue_bytes == 9);
}

TEST_CASE("Snapshots of two namespaces are added port by port", "[namespaces]") {
  TcpSnapshot to = inbound({port_with(80, 1), port_with(443, 2)}, port_with(0, 3));
  add(to, inbound({port_with(22, 4), port_with(443, 5)}, port_with(0, 6)));
  const DirectionCounts& counts = to.of(Direction::inbound);
  REQUIRE(counts.ports.size() == 3);
  CHECK(counts.ports[0].port == 22);
  CHECK(counts.ports[1].port == 80);
  CHECK(counts.ports[2].port == 443);
  CHECK(counts.ports[0].sockets[kEstablished] == 4);
  CHECK(counts.ports[2].sockets[kEstablished] == 7);
  CHECK(counts.ports[0].seen.state(TcpState::established));
  CHECK_FALSE(counts.ports[0].seen.state(TcpState::close_wait));
  CHECK(counts.other.sockets[kEstablished] == 9);
  CHECK(counts.folded_ports == 6);
}

TEST_CASE("Totals of two namespaces are added", "[namespaces]") {
  TcpSnapshot to = inbound({});
  add(to, inbound({}));
  CHECK(to.families[0][kEstablished] == 10);
  CHECK(to.seen_by_family[0].state(TcpState::established));
  CHECK(to.sockets == 20);
  CHECK(to.unfollowed_sockets == 2);
  CHECK(to.request_sockets == 4);
  CHECK(to.unknown_state_sockets == 8);
  CHECK(to.unaccounted_sockets == -4);
  TcpSnapshot unknown = inbound({});
  unknown.unaccounted_sockets.reset();
  unknown.unique_cookies = false;
  add(to, unknown);
  CHECK(to.unaccounted_sockets == std::nullopt);
  CHECK_FALSE(to.unique_cookies);
}

TEST_CASE("Listeners of two namespaces are added port by port", "[namespaces]") {
  ListenerSnapshot to{{{80, 1, 10}, {443, 2, 20}}, {0, 3, 30}};
  add(to, {{{22, 4, 40}, {80, 5, 50}, {443, 6, std::nullopt}}, {0, 7, 70}});
  CHECK(to == ListenerSnapshot{{{22, 4, 40}, {80, 6, 60}, {443, 8, std::nullopt}}, {0, 10, 100}});
}

TEST_CASE("Gauges of two namespaces are added, where one has them", "[namespaces]") {
  NamespaceCounters to{.open = 1, .connected = 2};
  add_gauges(to, {.open = 3, .time_wait = 4});
  CHECK(to.open == 4);
  CHECK(to.connected == 2);
  CHECK(to.time_wait == 4);
}

}  // namespace sockdiag::test
