// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "observation.hpp"
#include "support/catch.hpp"
#include "support/connection_states.hpp"
#include "support/network_namespace.hpp"

namespace sockdiag::test {
namespace {

constexpr std::uint16_t kPort = 2000;

Labels labels_of(const MadeSocket& made) {
  return {{"direction", made.recipe.side == Side::client ? "outbound" : "inbound"},
          {"port", std::to_string(made.port)},
          {"state", name(state_of(made.recipe.situation))}};
}

// A dual-stack listener is an IPv6 socket; what is reached through it over IPv4 is not.
std::string family_of(const Recipe& recipe) {
  if (recipe.kind == AddressKind::ipv4) return "ipv4";
  if (recipe.kind == AddressKind::ipv6 || recipe.situation == Situation::listen) return "ipv6";
  return "ipv4";
}

double in_family(const Exposition& exposition, const MadeSocket& made) {
  return exposition.sum(
      "sockdiag_tcp_family_sockets",
      {{"family", family_of(made.recipe)}, {"state", name(state_of(made.recipe.situation))}});
}

TEST_CASE("each TCP state is counted as /proc and ss count it") {
  const Recipe recipe = GENERATE(from_range(all_recipes()));
  INFO(to_string(recipe));
  const NetworkNamespace network;
  const MadeSocket made = make(recipe, kPort);
  const Observation observation = observe();
  CHECK(observation.exposition.value("sockdiag_tcp_sockets", labels_of(made)) == 1);
  CHECK(in_family(observation.exposition, made) >= 1);
  check_agreement(observation);
}

TEST_CASE("all TCP states at once are counted as /proc and ss count them") {
  const bool unprivileged = GENERATE(false, true);
  INFO((unprivileged ? "as uid 65534 without capabilities" : "as root"));
  const NetworkNamespace network;
  const std::vector<MadeSocket> all = make_all(kPort);
  const Observation observation = observe({.unprivileged = unprivileged});
  for (const MadeSocket& made : all) {
    INFO(to_string(made.recipe));
    CHECK(observation.exposition.value("sockdiag_tcp_sockets", labels_of(made)) == 1);
  }
  check_agreement(observation);
}

TEST_CASE("root and an unprivileged user are told the same numbers") {
  const NetworkNamespace network;
  const std::vector<MadeSocket> all = make_all(kPort);
  const Observation root = observe();
  const Observation nobody = observe({.unprivileged = true});
  REQUIRE(identities(root.proc) == identities(nobody.proc));
  for (const Series& series : root.exposition.matching("sockdiag_tcp_sockets")) {
    CAPTURE(series.labels);
    CHECK(nobody.exposition.value(series.name, series.labels) == series.value);
  }
}

TEST_CASE("totals reconcile with sockstat, request sockets apart") {
  const NetworkNamespace network;
  const std::vector<MadeSocket> all = make_all(kPort);
  const Observation observation = observe();
  const auto count = [&](auto predicate) {
    return std::count_if(observation.proc.begin(), observation.proc.end(), predicate);
  };
  const auto requests = count([](const SocketRow& row) { return row.state == TcpState::syn_recv; });
  const auto mini = count([](const SocketRow& row) { return row.mini; });
  const Sockstat& sockstat = observation.sockstat;
  CHECK(requests == 4);  // one for each kind of address
  CHECK(mini == 16);     // FIN_WAIT2 and TIME_WAIT on both sides in each kind of address
  CHECK(sockstat.time_wait == static_cast<std::uint64_t>(mini));
  CHECK(observation.exposition.value("sockdiag_sample_sockets", {{"source", "tcp"}}) ==
        static_cast<double>(sockstat.tcp_in_use + sockstat.tcp6_in_use + sockstat.time_wait) +
            static_cast<double>(requests));
}

TEST_CASE("every tracked port has all states that it can have, zeros included") {
  const NetworkNamespace network;
  const FileDescriptor listener = listen_on({"127.0.0.1", kPort});
  const Connection connection = connect_pair(listener, {"127.0.0.1", kPort});
  const Exposition exposition = observe().exposition;
  for (const std::string direction : {"inbound", "outbound"}) {
    for (const std::string port : {"2000", "other"}) {
      for (const TcpStateName& row : kTcpStateNames) {
        CAPTURE(direction, port, row.name);
        const bool inbound_only = row.name == "listen" || row.name == "syn_recv";
        const bool shown = row.name != "close" && (direction == "inbound" || !inbound_only);
        CHECK(
            exposition
                .value("sockdiag_tcp_sockets",
                       {{"direction", direction}, {"port", port}, {"state", std::string(row.name)}})
                .has_value() == shown);
      }
    }
  }
  CHECK(exposition.matching("sockdiag_tcp_sockets").size() == 2 * (10 + 8));
}

TEST_CASE("a namespace without sockets has zeros, not gaps") {
  const NetworkNamespace network;
  const Observation observation = observe();
  CHECK(observation.exposition.matching("sockdiag_tcp_sockets").size() == 10 + 8);
  CHECK(observation.exposition.matching("sockdiag_tcp_family_sockets").size() == 2 * 10);
  check_agreement(observation);
}

TEST_CASE("a bound socket that is not connected is not counted") {
  const NetworkNamespace network;
  const FileDescriptor listener = listen_on({"127.0.0.1", kPort});
  const FileDescriptor bound = bind_only({"127.0.0.1", kPort + 1});
  const Observation observation = observe();
  CHECK(observation.exposition.sum("sockdiag_tcp_sockets") == 1);
  CHECK(observation.exposition.sum("sockdiag_tcp_sockets", {{"state", "close"}}) == 0);
  check_agreement(observation);
}

TEST_CASE("sockets of another namespace are not counted") {
  const NetworkNamespace outer;
  const FileDescriptor listener = listen_on({"127.0.0.1", kPort});
  const NetworkNamespace inner;
  CHECK(observe().exposition.sum("sockdiag_tcp_sockets") == 0);
}

}  // namespace
}  // namespace sockdiag::test
