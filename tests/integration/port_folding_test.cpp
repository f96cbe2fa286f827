// SPDX-License-Identifier: Apache-2.0
#include "observation.hpp"
#include "support/catch.hpp"
#include "support/connection_states.hpp"
#include "support/network_namespace.hpp"

namespace sockdiag::test {
namespace {

double sockets(const Exposition& exposition, const std::string& direction,
               const std::string& port) {
  return exposition.sum("sockdiag_tcp_sockets", {{"direction", direction}, {"port", port}});
}

bool tracked(const Exposition& exposition, const std::string& direction, const std::string& port) {
  return !exposition.matching("sockdiag_tcp_sockets", {{"direction", direction}, {"port", port}})
              .empty();
}

double folded(const Exposition& exposition, const std::string& direction) {
  return exposition.value("sockdiag_tcp_folded_ports", {{"direction", direction}}).value();
}

// A listener and connections to it, all accepted.
struct Service {
  // Nothing but the sockets tells of it then.
  Service& without_listener() {
    listener.close();
    return *this;
  }

  Service(std::uint16_t port, int connections) : listener(listen_on({"127.0.0.1", port})) {
    for (int made = 0; made < connections; ++made) {
      connected.push_back(connect_pair(listener, {"127.0.0.1", port}));
    }
  }

  FileDescriptor listener;
  std::vector<Connection> connected;
};

TEST_CASE("remote ports of the ephemeral range fold into other") {
  const NetworkNamespace network;
  std::vector<Service> services;
  services.reserve(6);
  services.emplace_back(40000, 2).without_listener();
  for (const int port : {40001, 32767, 32768, 60999, 61000}) {
    services.emplace_back(static_cast<std::uint16_t>(port), 1).without_listener();
  }
  const Observation observation = observe();
  const Exposition& exposition = observation.exposition;
  CHECK(sockets(exposition, "outbound", "other") == 5 + 5);  // both ends
  CHECK(folded(exposition, "outbound") == 4 + 5);
  CHECK(folded(exposition, "inbound") == 0);
  CHECK(sockets(exposition, "outbound", "32767") == 1);
  CHECK(sockets(exposition, "outbound", "61000") == 1);
  for (const char* port : {"40000", "40001", "32768", "60999"}) {
    CAPTURE(port);
    CHECK_FALSE(tracked(exposition, "outbound", port));
    CHECK_FALSE(tracked(exposition, "inbound", port));
  }
  check_agreement(observation);
}

TEST_CASE("a remote port of the ephemeral range is named if this host listens to it") {
  const NetworkNamespace network;
  const Service listening(40000, 1);
  const Observation observation = observe();
  CHECK(sockets(observation.exposition, "outbound", "40000") == 1);
  CHECK(sockets(observation.exposition, "inbound", "40000") == 2);
  check_agreement(observation);
}

TEST_CASE("the ephemeral range is the one of the namespace") {
  const NetworkNamespace network;
  network.set_sysctl("net/ipv4/ip_local_port_range", "10000 19999");
  Service inside(15000, 1);
  inside.without_listener();
  const Service outside(40000, 1);
  const Observation observation = observe();
  CHECK_FALSE(tracked(observation.exposition, "outbound", "15000"));
  CHECK(sockets(observation.exposition, "outbound", "40000") == 1);
  check_agreement(observation);
}

TEST_CASE("a reserved port of the ephemeral range has series of its own") {
  const NetworkNamespace network;
  network.set_sysctl("net/ipv4/ip_local_port_range", "1024 65535");
  network.set_sysctl("net/ipv4/ip_local_reserved_ports", "3306");
  Service reserved(3306, 1);
  Service unreserved(6379, 1);
  reserved.without_listener();
  unreserved.without_listener();
  const Exposition exposition = observe().exposition;
  CHECK(sockets(exposition, "outbound", "3306") == 1);
  CHECK(sockets(exposition, "inbound", "3306") == 1);
  CHECK_FALSE(tracked(exposition, "outbound", "6379"));
}

TEST_CASE("ports that many sockets share are named beside the ports of their clients") {
  const NetworkNamespace network;
  network.set_sysctl("net/ipv4/ip_local_port_range", "1024 65535");
  std::vector<Service> services;
  services.reserve(2);
  services.emplace_back(3306, 120).without_listener();
  services.emplace_back(6379, 40).without_listener();
  const Exposition exposition = observe().exposition;
  for (const char* direction : {"inbound", "outbound"}) {
    CAPTURE(direction);
    CHECK(sockets(exposition, direction, "3306") == 120);
    CHECK(sockets(exposition, direction, "6379") == 40);
    CHECK(folded(exposition, direction) == 0);
  }
}

TEST_CASE("an ephemeral port named in the configuration has series of its own") {
  const NetworkNamespace network;
  Service named(40000, 2);
  Service unnamed(40001, 1);
  named.without_listener();
  unnamed.without_listener();
  const Exposition exposition =
      observe({.configuration = "ports: {inbound: [40001], outbound: [40000]}\n"}).exposition;
  CHECK(sockets(exposition, "outbound", "40000") == 2);
  CHECK(sockets(exposition, "outbound", "other") == 1 + 3);  // the other ends, too
  CHECK(folded(exposition, "outbound") == 1 + 3);
}

TEST_CASE("ports named in the configuration have series at zero") {
  const NetworkNamespace network;
  const std::string configuration = "ports:\n  inbound: [8443]\n  outbound: [5432, 50000]\n";
  const Exposition exposition = observe({.configuration = configuration}).exposition;
  const std::vector<Labels> named = {{{"direction", "inbound"}, {"port", "8443"}},
                                     {{"direction", "outbound"}, {"port", "5432"}},
                                     {{"direction", "outbound"}, {"port", "50000"}}};
  for (const Labels& labels : named) {
    CAPTURE(labels);
    const std::size_t states = labels.at("direction") == "inbound" ? 10 : 8;
    CHECK(exposition.matching("sockdiag_tcp_sockets", labels).size() == states);
    CHECK(exposition.sum("sockdiag_tcp_sockets", labels) == 0);
    CHECK(exposition.value("sockdiag_tcp_time_wait_started_total", labels) == 0);
    CHECK(exposition.matching("sockdiag_tcp_oldest_socket_seconds", labels).empty());
    CHECK(exposition.matching("sockdiag_tcp_send_queue_bytes", labels).empty());
  }
  CHECK(exposition.matching("sockdiag_tcp_accept_queue_limit_sockets").empty());
  CHECK_FALSE(tracked(exposition, "outbound", "8443"));
  CHECK_FALSE(tracked(exposition, "inbound", "5432"));
}

TEST_CASE("beyond max_ports the busiest ports are kept and the rest fold into other") {
  const NetworkNamespace network;
  const Service idle(2000, 0);
  const Service quiet(2001, 1);
  const Service busiest(2002, 5);
  const Service busy(2003, 4);
  const Observation observation = observe({.configuration = "ports: {max_ports: 2}\n"});
  const Exposition& exposition = observation.exposition;
  CHECK(sockets(exposition, "inbound", "2002") == 6);
  CHECK(sockets(exposition, "inbound", "2003") == 5);
  CHECK(sockets(exposition, "inbound", "other") == 3);
  CHECK(folded(exposition, "inbound") == 2);
  CHECK(sockets(exposition, "outbound", "2002") == 5);
  CHECK(sockets(exposition, "outbound", "2003") == 4);
  CHECK(sockets(exposition, "outbound", "other") == 1);
  CHECK(folded(exposition, "outbound") == 1);
  CHECK(exposition.sum("sockdiag_tcp_sockets") == static_cast<double>(observation.proc.size()));
}

TEST_CASE("more listening ports than max_ports are all counted, the rest under other") {
  const NetworkNamespace network;
  std::vector<FileDescriptor> listeners;
  for (std::uint16_t port = 2000; port < 2120; ++port) {
    listeners.push_back(listen_on({"127.0.0.1", port}, {.backlog = 3}));
  }
  const FileDescriptor first = connect_to({"127.0.0.1", 2000});
  const FileDescriptor last = connect_to({"127.0.0.1", 2119});
  wait_for_accept_queue(listeners.front(), 1);
  wait_for_accept_queue(listeners.back(), 1);
  const Exposition exposition = observe().exposition;
  CHECK(exposition.sum("sockdiag_tcp_sockets", {{"state", "listen"}}) == 120);
  CHECK(exposition.matching("sockdiag_tcp_sockets", {{"direction", "inbound"}, {"state", "listen"}})
            .size() == 101);
  CHECK(sockets(exposition, "inbound", "other") == 20);
  CHECK(folded(exposition, "inbound") == 20);
  CHECK(exposition.sum("sockdiag_tcp_accept_queue_sockets") == 2);
  CHECK(exposition.sum("sockdiag_tcp_accept_queue_limit_sockets") == 360);
}

TEST_CASE("an inbound port that folds into other stays inbound") {
  const NetworkNamespace network;
  const Service busy(2000, 6);
  const Service folds(2001, 2);
  const Exposition exposition = observe({.configuration = "ports: {max_ports: 1}\n"}).exposition;
  CHECK(exposition.value("sockdiag_tcp_sockets",
                         {{"direction", "inbound"}, {"port", "other"}, {"state", "established"}}) ==
        2);
  CHECK(exposition.value(
            "sockdiag_tcp_sockets",
            {{"direction", "outbound"}, {"port", "other"}, {"state", "established"}}) == 2);
}

}  // namespace
}  // namespace sockdiag::test
