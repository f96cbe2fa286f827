// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "observation.hpp"
#include "support/catch.hpp"
#include "support/connection_states.hpp"
#include "support/network_namespace.hpp"

namespace sockdiag::test {
namespace {

constexpr std::uint16_t kPort = 2000;

struct AcceptQueue {
  double length = 0;
  double limit = 0;
  double utilization = 0;

  // The exposition has 16 digits, one fewer than some ratios need.
  bool operator==(const AcceptQueue& other) const {
    return length == other.length && limit == other.limit &&
           std::abs(utilization - other.utilization) < 1e-12;
  }
};

std::ostream& operator<<(std::ostream& out, const AcceptQueue& queue) {
  return out << queue.length << " of " << queue.limit << ", ratio " << queue.utilization;
}

AcceptQueue exported_queue(const Exposition& exposition, std::uint16_t port) {
  const Labels labels{{"port", std::to_string(port)}};
  return {exposition.value("sockdiag_tcp_accept_queue_sockets", labels).value(),
          exposition.value("sockdiag_tcp_accept_queue_limit_sockets", labels).value(),
          exposition.value("sockdiag_tcp_accept_queue_utilization_ratio", labels).value()};
}

// ss shows length and limit of each listener in its queue columns.
AcceptQueue expected_queue(const std::vector<SocketRow>& ss, std::uint16_t port) {
  AcceptQueue queue;
  for (const SocketRow& row : ss) {
    if (row.state != TcpState::listen || row.local.port != port) continue;
    const auto length = static_cast<double>(row.receive_queue);
    const auto limit = static_cast<double>(row.send_queue);
    queue.length += length;
    queue.limit += limit;
    const double ratio = limit > 0 ? length / limit : length > 0 ? length + 1 : 0;
    queue.utilization = std::max(queue.utilization, ratio);
  }
  return queue;
}

// Connections that nobody accepts, all of them in the queue.
std::vector<FileDescriptor> queue_up(const FileDescriptor& listener, const SocketAddress& target,
                                     std::uint32_t count) {
  std::vector<FileDescriptor> clients;
  for (std::uint32_t made = 1; made <= count; ++made) {
    clients.push_back(connect_to(target));
    wait_for_accept_queue(listener, made);
  }
  return clients;
}

struct QueueRow {
  std::string it;
  SocketAddress listener;
  SocketAddress target;
  int backlog;
  std::uint32_t waiting;
  AcceptQueue expected;
};

const std::vector<QueueRow> kQueues = {
    {"is empty", {"127.0.0.1", kPort}, {"127.0.0.1", kPort}, 9, 0, {0, 9, 0}},
    {"is filling", {"127.0.0.1", kPort}, {"127.0.0.1", kPort}, 8, 4, {4, 8, 0.5}},
    {"is full one above the limit", {"127.0.0.1", kPort}, {"127.0.0.1", kPort}, 1, 2, {2, 1, 2}},
    {"is at its limit, not full", {"127.0.0.1", kPort}, {"127.0.0.1", kPort}, 1, 1, {1, 1, 1}},
    {"has limit 0 and is empty", {"127.0.0.1", kPort}, {"127.0.0.1", kPort}, 0, 0, {0, 0, 0}},
    {"has limit 0 and is full", {"127.0.0.1", kPort}, {"127.0.0.1", kPort}, 0, 1, {1, 0, 2}},
    {"is an IPv6 one", {"::1", kPort}, {"::1", kPort}, 4, 2, {2, 4, 0.5}},
    {"is dual-stack", {"::", kPort}, {"127.0.0.1", kPort}, 2, 3, {3, 2, 1.5}},
};

TEST_CASE("an accept queue is published with its limit and how full it is") {
  const QueueRow row = GENERATE(from_range(kQueues));
  INFO("an accept queue that " << row.it);
  const NetworkNamespace network;
  const FileDescriptor listener = listen_on(row.listener, {.backlog = row.backlog});
  const auto clients = queue_up(listener, row.target, row.waiting);
  const Observation observation = observe();
  CHECK(exported_queue(observation.exposition, kPort) == row.expected);
  CHECK(expected_queue(observation.ss, kPort) == row.expected);
  check_agreement(observation);
}

TEST_CASE("a connection turned away by a full queue is outbound SYN_SENT only") {
  const NetworkNamespace network;
  const FileDescriptor listener = listen_on({"127.0.0.1", kPort}, {.backlog = 1});
  const auto clients = queue_up(listener, {"127.0.0.1", kPort}, 2);
  const FileDescriptor refused = connect_to({"127.0.0.1", kPort}, {.wait = false});
  wait_for_state(refused, TcpState::syn_sent);
  const Observation observation = observe();
  CHECK(exported_queue(observation.exposition, kPort) == AcceptQueue{2, 1, 2});
  CHECK(observation.exposition.sum("sockdiag_tcp_sockets", {{"state", "syn_sent"}}) == 1);
  check_agreement(observation);
}

TEST_CASE("listeners sharing a port are added up, the fullest gives the ratio") {
  const NetworkNamespace network;
  const SocketAddress address{"127.0.0.1", kPort};
  std::vector<FileDescriptor> listeners;
  for (const int backlog : {5, 9, 19}) {
    listeners.push_back(listen_on(address, {.backlog = backlog, .reuse_port = true}));
  }
  std::vector<FileDescriptor> clients;
  for (int made = 0; made < 6; ++made) clients.push_back(connect_to(address));
  wait_until("six connections to queue up", [&] {
    std::uint32_t waiting = 0;
    for (const FileDescriptor& listener : listeners) waiting += accept_queue_length(listener);
    return waiting == 6;
  });
  const Observation observation = observe();
  const AcceptQueue queue = exported_queue(observation.exposition, kPort);
  CHECK(queue.length == 6);
  CHECK(queue.limit == 5 + 9 + 19);
  CHECK(queue == expected_queue(observation.ss, kPort));
  check_agreement(observation);
}

TEST_CASE("listeners of a port on different addresses are added up") {
  const NetworkNamespace network;
  const FileDescriptor full = listen_on({"127.0.0.1", kPort}, {.backlog = 0});
  const FileDescriptor idle = listen_on({"127.0.0.2", kPort}, {.backlog = 100});
  const FileDescriptor ipv6 = listen_on({"::1", kPort}, {.backlog = 7});
  const auto clients = queue_up(full, {"127.0.0.1", kPort}, 1);
  const Observation observation = observe();
  CHECK(exported_queue(observation.exposition, kPort) == AcceptQueue{1, 107, 2});
  check_agreement(observation);
}

TEST_CASE("the limit is the kernel's, not what the program asked for") {
  const NetworkNamespace network;
  network.set_sysctl("net/core/somaxconn", "8");
  const FileDescriptor listener = listen_on({"127.0.0.1", kPort}, {.backlog = 100});
  CHECK(exported_queue(observe().exposition, kPort) == AcceptQueue{0, 8, 0});
}

TEST_CASE("accepted connections are in no queue") {
  const NetworkNamespace network;
  const FileDescriptor listener = listen_on({"127.0.0.1", kPort}, {.backlog = 4});
  const Connection connection = connect_pair(listener, {"127.0.0.1", kPort});
  CHECK(exported_queue(observe().exposition, kPort) == AcceptQueue{0, 4, 0});
}

}  // namespace
}  // namespace sockdiag::test
