// SPDX-License-Identifier: Apache-2.0

// How many series other network namespaces have: a node pays for them in each scrape. The document
// has the same formula.

#include <algorithm>

#include "sockdiag/core/policy.hpp"
#include "sockdiag/metrics/metric_families.hpp"
#include "sockdiag/metrics/namespace_families.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using enum TcpState;

constexpr auto kInboundStates =
    std::to_array<TcpState>({established, syn_recv, fin_wait1, fin_wait2, time_wait, close_wait,
                             last_ack, listen, closing});
constexpr auto kOutboundStates = std::to_array<TcpState>(
    {established, syn_sent, fin_wait1, fin_wait2, time_wait, close_wait, last_ack, closing});

std::size_t series_in(const NamespaceText& text) {
  return static_cast<std::size_t>(std::ranges::count(text.by_family.text, '\n'));
}

template <typename Value>
std::size_t series_of(const Value& value) {
  return series_in(render_of_namespace({"shop", "cart-7d9", "", "", ""}, value, nullptr));
}

// A port that has had each of the states, one cause of CLOSE_WAIT, and bytes in both queues.
// Nothing lingers.
template <typename States>
PortCounts used(std::uint16_t port, const States& states) {
  PortCounts counts{.port = port};
  for (const TcpState state : states) counts.sockets[index_of(state)] = 1;
  counts.close_wait_causes[index_of(CloseWaitCause::unread_eof)] = 1;
  counts.stays[passing_index_of(close_wait)].oldest = std::chrono::seconds(3);
  counts.orphaned_fin_wait2 = 1;
  counts.time_wait_started = 9;
  counts.receive_queue_bytes = 1;
  counts.send_queue_bytes = 1;
  if (counts.sockets[index_of(listen)] > 0) counts.accept_queue.limit = 128;
  counts.seen.add_states(counts.sockets);
  counts.seen.add_queues(1, 1);
  return counts;
}

// A port that shows everything.
PortCounts troubled(std::uint16_t port) {
  PortCounts counts{.port = port};
  counts.sockets.fill(1);
  counts.close_wait_causes.fill(1);
  counts.stays.fill({1, std::chrono::seconds(99)});
  counts.orphaned_fin_wait2 = 1;
  counts.retransmitting_syn_recv = 1;
  counts.syn_recv_prefixes = 1;
  counts.receive_queue_bytes = 1;
  counts.send_queue_bytes = 1;
  counts.time_wait_started = 1;
  counts.accept_queue = {1, 1, 1};
  counts.seen.add_states(counts.sockets);
  counts.seen.add_queues(1, 1);
  return counts;
}

NamespaceCounters counters() {
  NamespaceCounters all;
  for (const KernelValueRow& row : kernel_value_rows()) {
    const bool is_counter = row.type == ValueType::counter;
    all.kernel.values.push_back(is_counter ? std::optional<std::uint64_t>(0) : std::nullopt);
  }
  all.open = all.connected = all.time_wait = 0;
  return all;
}

// The pods of a node, which share the seats of ports.
class Node {
 public:
  void add_pod(std::size_t called) {
    TcpSnapshot tcp;
    tcp.unaccounted_sockets = 0;
    ListenerSnapshot listeners;
    add(tcp, Direction::inbound, used(8080, kInboundStates));
    listeners.ports = {{8080, 0, 0}};
    for (std::size_t i = 0; i < called; ++i) {
      add(tcp, Direction::outbound, used(static_cast<std::uint16_t>(5432 + i), kOutboundStates));
    }
    series_ += series_of(tcp) + series_of(listeners) + series_of(counters());
  }
  [[nodiscard]] std::size_t series() const { return series_; }
  [[nodiscard]] std::size_t ports(Direction direction) const { return ports_[index_of(direction)]; }

 private:
  void add(TcpSnapshot& tcp, Direction direction, const PortCounts& port) {
    DirectionCounts& counts = tcp.directions[index_of(direction)];
    const bool has_seat = seats_ > 0;
    if (has_seat) --seats_;
    if (!has_seat && counts.other.time_wait_started > 0) return;
    ++ports_[index_of(direction)];
    (has_seat ? counts.ports.emplace_back() : counts.other) = port;
  }

  std::size_t seats_ = NamespacePolicy{}.max_ports;
  std::array<std::size_t, kDirections.size()> ports_{};
  std::size_t series_ = 0;
};

}  // namespace

TEST_CASE("A node of 110 pods has at most 6000 series of namespaces, by the documented formula") {
  Node node;
  constexpr std::size_t kPods = 110;
  for (std::size_t i = 0; i < kPods; ++i) node.add_pod(1 + i % 2);
  CAPTURE(node.ports(Direction::inbound), node.ports(Direction::outbound));
  CHECK(node.series() ==
        18 * kPods + 15 * node.ports(Direction::inbound) + 12 * node.ports(Direction::outbound));
  CHECK(node.series() <= 6000);
}

TEST_CASE("However troubled namespaces are, the keys bound their series") {
  TcpSnapshot tcp;
  tcp.unaccounted_sockets = 1;
  tcp.unfollowed_sockets = 1;
  for (DirectionCounts& counts : tcp.directions) {
    counts.folded_ports = 1;
    counts.other = troubled(0);
  }
  ListenerSnapshot listeners{{}, {0, 1, 1}};
  const std::size_t per_namespace = series_of(tcp) + series_of(listeners) + series_of(counters());
  CHECK(per_namespace == 94);
  tcp.directions[index_of(Direction::inbound)].ports = {troubled(8080)};
  listeners.ports = {{8080, 1, 1}};
  const std::size_t with_port = series_of(tcp) + series_of(listeners) + series_of(counters());
  CHECK(with_port - per_namespace == 41);
}

}  // namespace sockdiag::test
