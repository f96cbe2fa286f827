// SPDX-License-Identifier: Apache-2.0

// Recorded dumps, decoded and tallied, against what ss says of the same bytes.

#include <linux/sock_diag.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <numeric>
#include <sstream>
#include <tuple>

#include "netlink/inet_diag.hpp"
#include "sockdiag/netlink/tcp_dumper.hpp"
#include "sockdiag/tally/tcp_tally.hpp"
#include "support/catch.hpp"
#include "support/replay_channel.hpp"

namespace sockdiag::test {
namespace {

// state, receive queue, send queue, local port, remote port
using Row = std::tuple<TcpState, std::uint32_t, std::uint32_t, int, int>;

const std::string kData = SOCKDIAG_SOURCE_DIR "/tests/data/";

TcpState state_of(const std::string& word) {
  static const std::map<std::string, TcpState> kWords = {
      {"ESTAB", TcpState::established},    {"SYN-SENT", TcpState::syn_sent},
      {"SYN-RECV", TcpState::syn_recv},    {"FIN-WAIT-1", TcpState::fin_wait1},
      {"FIN-WAIT-2", TcpState::fin_wait2}, {"TIME-WAIT", TcpState::time_wait},
      {"UNCONN", TcpState::close},         {"CLOSE-WAIT", TcpState::close_wait},
      {"LAST-ACK", TcpState::last_ack},    {"LISTEN", TcpState::listen},
      {"CLOSING", TcpState::closing}};
  return kWords.at(word);
}

int port_of(const std::string& endpoint) {
  const std::string port = endpoint.substr(endpoint.rfind(':') + 1);
  return port == "*" ? 0 : std::stoi(port);
}

std::vector<Row> rows_of_ss(const std::string& name) {
  std::ifstream file(kData + name + ".ss");
  std::vector<Row> rows;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string state, local, remote;
    std::uint32_t receive = 0, send = 0;
    words >> state >> receive >> send >> local >> remote;
    rows.emplace_back(state_of(state), receive, send, port_of(local), port_of(remote));
  }
  std::sort(rows.begin(), rows.end());
  REQUIRE(rows.size() > 20);
  return rows;
}

struct Recording {
  const char* name;
  DumpRequest request;
};

void replay(const Recording& recording, const SocketSink& sink) {
  ReplayChannel channel(load_recorded_dump(kData + recording.name + ".tcpdiag"));
  dump(channel, recording.request, sink);
}

const auto kRecordings = {Recording{"both_families_root", {}},
                          Recording{"both_families_nobody", {}},
                          Recording{"ipv4_root", {SOCK_DIAG_BY_FAMILY, AF_INET}},
                          Recording{"ipv6_root", {SOCK_DIAG_BY_FAMILY, AF_INET6}}};

}  // namespace

TEST_CASE("A recorded dump is decoded to what ss shows of it") {
  for (const Recording& recording : kRecordings) {
    CAPTURE(recording.name);
    std::vector<Row> rows;
    replay(recording, [&](const SocketRecord& record) {
      const auto state = tcp_state_from_number(record.state_number);
      REQUIRE(state.has_value());
      rows.emplace_back(*state, record.receive_queue, record.send_queue, record.local_port,
                        record.remote_port);
    });
    std::sort(rows.begin(), rows.end());
    CHECK(rows == rows_of_ss(recording.name));
  }
}

TEST_CASE("A recorded dump is tallied to the counts that ss shows") {
  for (const Recording& recording : kRecordings) {
    CAPTURE(recording.name);
    const auto tally = std::make_unique<TcpTally>(std::make_shared<TallyScratch>(), TcpPolicy{});
    tally->begin(EphemeralPorts({32768, 60999}, std::vector<PortRange>{}), {});
    replay(recording, [&](const SocketRecord& record) { tally->add(record); });
    const TcpSnapshot snapshot = tally->finish(TcpTally::TimePoint{});

    StateCounts by_port{};
    for (const DirectionCounts& direction : snapshot.directions) {
      for (std::size_t i = 0; i < kTcpStateCount; ++i) {
        by_port[i] += direction.other.sockets[i];
        for (const PortCounts& port : direction.ports) by_port[i] += port.sockets[i];
      }
    }
    StateCounts by_ss{};
    const auto rows = rows_of_ss(recording.name);
    for (const Row& row : rows) ++by_ss[index_of(std::get<TcpState>(row))];
    CHECK(by_port == by_ss);
    CHECK(snapshot.sockets == rows.size());
    CHECK(snapshot.unknown_state_sockets == 0);
  }
}

TEST_CASE("A recorded dump holds every kind of socket") {
  std::map<SocketKind, int> kinds;
  int mini_fin_wait2 = 0;
  replay(*kRecordings.begin(), [&](const SocketRecord& record) {
    ++kinds[record.kind];
    const bool mini = record.kind == SocketKind::time_wait;
    if (mini && record.state_number == static_cast<int>(TcpState::fin_wait2)) ++mini_fin_wait2;
  });
  CHECK(kinds[SocketKind::full] > 0);
  CHECK(kinds[SocketKind::request] > 0);
  CHECK(kinds[SocketKind::time_wait] > 0);
  CHECK(mini_fin_wait2 > 0);
}

}  // namespace sockdiag::test
