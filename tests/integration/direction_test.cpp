// SPDX-License-Identifier: Apache-2.0
#include "observation.hpp"
#include "support/catch.hpp"
#include "support/connection_states.hpp"
#include "support/network_namespace.hpp"

namespace sockdiag::test {
namespace {

constexpr std::uint16_t kService = 2000;
constexpr std::uint16_t kLocal = 3000;  // the port the client comes from

double established(const Exposition& exposition, const std::string& direction, std::uint16_t port) {
  return exposition.sum(
      "sockdiag_tcp_sockets",
      {{"direction", direction}, {"port", std::to_string(port)}, {"state", "established"}});
}

TEST_CASE("a loopback connection is one inbound and one outbound socket") {
  const std::string address = GENERATE("127.0.0.1", "::1", "::ffff:127.0.0.1");
  const NetworkNamespace network;
  const FileDescriptor listener = listen_on({address, kService});
  const Connection connection = connect_pair(listener, {address, kService});
  const Observation observation = observe();
  CHECK(established(observation.exposition, "inbound", kService) == 1);
  CHECK(established(observation.exposition, "outbound", kService) == 1);
  CHECK(observation.exposition.sum("sockdiag_tcp_sockets") == 3);
  check_agreement(observation);
}

struct DirectionRow {
  std::string listener;
  bool v6only;
  std::string connection;  // the address that both of its ends have
  bool inbound;
};

// Whether a listener makes the connections from its port inbound.
const std::vector<DirectionRow> kDirections = {
    {"127.0.0.1", false, "127.0.0.1", true},
    {"127.0.0.2", false, "127.0.0.1", false},
    {"0.0.0.0", false, "127.0.0.1", true},
    {"::", false, "127.0.0.1", true},
    {"::", true, "127.0.0.1", false},
    {"::1", false, "127.0.0.1", false},
    {"::ffff:127.0.0.1", false, "127.0.0.1", true},
    {"::ffff:127.0.0.2", false, "127.0.0.1", false},
    {"::ffff:0.0.0.0", false, "127.0.0.1", true},
    {"127.0.0.1", false, "::1", false},
    {"0.0.0.0", false, "::1", false},
    {"::", false, "::1", true},
    {"::", true, "::1", true},
    {"::1", false, "::1", true},
    {"::ffff:127.0.0.1", false, "::1", false},
    {"::ffff:0.0.0.0", false, "::1", false},
    {"127.0.0.1", false, "::ffff:127.0.0.1", true},
    {"127.0.0.2", false, "::ffff:127.0.0.1", false},
    {"0.0.0.0", false, "::ffff:127.0.0.1", true},
    {"::", false, "::ffff:127.0.0.1", true},
    {"::", true, "::ffff:127.0.0.1", false},
    {"::1", false, "::ffff:127.0.0.1", false},
    {"::ffff:127.0.0.1", false, "::ffff:127.0.0.1", true},
};

// The connection comes first: its port could not be bound under a listener.
TEST_CASE("a listener makes connections of its port inbound if it could have accepted them") {
  const DirectionRow row = GENERATE(from_range(kDirections));
  INFO("listener " << row.listener << (row.v6only ? " (v6only)" : "") << ", connection from "
                   << row.connection);
  const NetworkNamespace network;
  const FileDescriptor service = listen_on({row.connection, kService});
  const Connection connection = connect_pair(service, {row.connection, kService},
                                             {.from = SocketAddress{row.connection, kLocal}});
  const FileDescriptor listener = listen_on({row.listener, kLocal}, {.v6only = row.v6only});
  const Observation observation = observe();
  CHECK(established(observation.exposition, "inbound", kLocal) == (row.inbound ? 1 : 0));
  CHECK(established(observation.exposition, "outbound", kService) == (row.inbound ? 0 : 1));
  CHECK(established(observation.exposition, "inbound", kService) == 1);
  check_agreement(observation);
}

TEST_CASE("of several listeners on a port one that matches is enough") {
  const NetworkNamespace network;
  const FileDescriptor service = listen_on({"127.0.0.1", kService});
  const Connection connection =
      connect_pair(service, {"127.0.0.1", kService}, {.from = SocketAddress{"127.0.0.1", kLocal}});
  const FileDescriptor other = listen_on({"127.0.0.2", kLocal});
  const FileDescriptor ipv6 = listen_on({"::1", kLocal});
  CHECK(established(observe().exposition, "inbound", kLocal) == 0);
  const FileDescriptor matching = listen_on({"127.0.0.1", kLocal});
  const Observation observation = observe();
  CHECK(established(observation.exposition, "inbound", kLocal) == 1);
  check_agreement(observation);
}

TEST_CASE("without its listener a connection accepted from an ephemeral port is inbound") {
  const NetworkNamespace network;
  FileDescriptor service = listen_on({"127.0.0.1", kService});
  const Connection connection = connect_pair(service, {"127.0.0.1", kService});
  service.close();
  const Observation observation = observe();
  CHECK(established(observation.exposition, "inbound", kService) == 1);
  CHECK(established(observation.exposition, "outbound", kService) == 1);
  check_agreement(observation);
}

TEST_CASE("without its listener a port that many sockets share tells their direction") {
  constexpr std::uint16_t kInRange = 50051;
  const NetworkNamespace network;
  FileDescriptor service = listen_on({"127.0.0.1", kInRange});
  std::vector<Connection> connections;
  for (int i = 0; i < 8; ++i) {
    connections.push_back(connect_pair(service, {"127.0.0.1", kInRange}));
  }
  service.close();
  const Exposition exposition = observe().exposition;
  CHECK(established(exposition, "inbound", kInRange) == 8);
  CHECK(established(exposition, "outbound", kInRange) == 8);
  CHECK(exposition.sum("sockdiag_tcp_sockets") == 16);
}

TEST_CASE("without its listener a connection between two fixed ports is outbound at both ends") {
  const NetworkNamespace network;
  FileDescriptor service = listen_on({"127.0.0.1", kService});
  const Connection connection =
      connect_pair(service, {"127.0.0.1", kService}, {.from = SocketAddress{"127.0.0.1", kLocal}});
  service.close();
  const Observation observation = observe();
  CHECK(established(observation.exposition, "outbound", kLocal) == 1);
  CHECK(established(observation.exposition, "outbound", kService) == 1);
  check_agreement(observation);
}

TEST_CASE("an IPv4 and an IPv6 listener of one port are counted under it together") {
  const NetworkNamespace network;
  const FileDescriptor ipv4 = listen_on({"0.0.0.0", kService});
  const FileDescriptor ipv6 = listen_on({"::", kService}, {.v6only = true});
  const Connection over_ipv4 = connect_pair(ipv4, {"127.0.0.1", kService});
  const Connection over_ipv6 = connect_pair(ipv6, {"::1", kService});
  const Observation observation = observe();
  const Exposition& exposition = observation.exposition;
  CHECK(established(exposition, "inbound", kService) == 2);
  CHECK(exposition.value("sockdiag_tcp_family_sockets",
                         {{"family", "ipv4"}, {"state", "listen"}}) == 1);
  CHECK(exposition.value("sockdiag_tcp_family_sockets",
                         {{"family", "ipv6"}, {"state", "listen"}}) == 1);
  check_agreement(observation);
}

}  // namespace
}  // namespace sockdiag::test
