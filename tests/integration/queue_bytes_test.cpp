// SPDX-License-Identifier: Apache-2.0
#include "expected_counts.hpp"
#include "observation.hpp"
#include "support/catch.hpp"
#include "support/connection_states.hpp"
#include "support/network_namespace.hpp"

namespace sockdiag::test {
namespace {

constexpr std::uint16_t kPort = 2000;
const SocketAddress kAddress{"127.0.0.1", kPort};

double receive_bytes(const Exposition& exposition, const std::string& direction) {
  return exposition.sum("sockdiag_tcp_receive_queue_bytes",
                        {{"direction", direction}, {"port", std::to_string(kPort)}});
}

double send_bytes_of(const Exposition& exposition, const std::string& direction) {
  return exposition.sum("sockdiag_tcp_send_queue_bytes",
                        {{"direction", direction}, {"port", std::to_string(kPort)}});
}

TEST_CASE("unread bytes are added up by direction and port") {
  const NetworkNamespace network;
  const FileDescriptor listener = listen_on(kAddress);
  const Connection first = connect_pair(listener, kAddress);
  const Connection second = connect_pair(listener, kAddress);
  send_bytes(first.client, 1000);
  send_bytes(second.client, 234);
  send_bytes(second.server, 77);
  wait_for_receive_queue(first.server, 1000);
  wait_for_receive_queue(second.server, 234);
  wait_for_receive_queue(second.client, 77);
  const Observation observation = observe();
  CHECK(receive_bytes(observation.exposition, "inbound") == 1234);
  CHECK(receive_bytes(observation.exposition, "outbound") == 77);
  CHECK(observation.exposition.sum("sockdiag_tcp_receive_queue_bytes") == 1311);
  CHECK(observation.exposition.sum("sockdiag_tcp_send_queue_bytes") == 0);
  check_agreement(observation);
}

TEST_CASE("bytes that the peer does not take are in the send queue") {
  const Side side = GENERATE(Side::client, Side::server);
  const NetworkNamespace network;
  const FileDescriptor listener = listen_on(kAddress, {.small_windows = true});
  const Connection connection = connect_pair(listener, kAddress, {.small_windows = true});
  fill_window(side == Side::client ? connection.client : connection.server);
  const Observation observation = observe();
  const std::string sender = side == Side::client ? "outbound" : "inbound";
  const std::string receiver = side == Side::client ? "inbound" : "outbound";
  CHECK(send_bytes_of(observation.exposition, sender) > 0);
  CHECK(send_bytes_of(observation.exposition, receiver) == 0);
  CHECK(receive_bytes(observation.exposition, receiver) > 0);
  check_agreement(observation);
}

TEST_CASE("the queue of a listener is not taken for bytes") {
  const NetworkNamespace network;
  const FileDescriptor listener = listen_on(kAddress, {.backlog = 50});
  std::vector<FileDescriptor> clients;
  for (int made = 0; made < 3; ++made) clients.push_back(connect_to(kAddress));
  wait_for_accept_queue(listener, 3);
  const Observation observation = observe();
  CHECK(observation.exposition.matching("sockdiag_tcp_receive_queue_bytes").empty());
  CHECK(observation.exposition.matching("sockdiag_tcp_send_queue_bytes").empty());
  check_agreement(observation);
}

TEST_CASE("bytes sent before accept wait in the receive queue of the service") {
  const NetworkNamespace network;
  const FileDescriptor listener = listen_on(kAddress);
  const FileDescriptor client = connect_to(kAddress);
  wait_for_accept_queue(listener, 1);
  send_bytes(client, 500);
  wait_until("the bytes to arrive at a socket without a descriptor", [] {
    return expected_receive_bytes(read_proc_net_tcp()) == Counts{{"inbound 2000", 500}};
  });
  const Observation observation = observe();
  CHECK(receive_bytes(observation.exposition, "inbound") == 500);
  check_agreement(observation);
}

TEST_CASE("bytes of folded ports are counted under other") {
  const NetworkNamespace network;
  const SocketAddress ephemeral{"127.0.0.1", 40000};
  FileDescriptor listener = listen_on(ephemeral);
  const Connection connection = connect_pair(listener, ephemeral);
  listener.close();
  send_bytes(connection.server, 321);
  wait_for_receive_queue(connection.client, 321);
  const Observation observation = observe();
  CHECK(observation.exposition.value("sockdiag_tcp_receive_queue_bytes",
                                     {{"direction", "outbound"}, {"port", "other"}}) == 321);
  check_agreement(observation);
}

}  // namespace
}  // namespace sockdiag::test
