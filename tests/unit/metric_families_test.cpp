// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/exporter/metric_families.hpp"

#include <algorithm>
#include <set>

#include "support/catch.hpp"
#include "support/exposition_text.hpp"

namespace sockdiag::test {
namespace {

TcpSnapshot two_ports() {
  TcpSnapshot snapshot;
  PortCounts web{.port = 80};
  web.sockets[index_of(TcpState::listen)] = 2;
  web.sockets[index_of(TcpState::close_wait)] = 5;
  web.receive_queue_bytes = 5'000'000'000;
  web.send_queue_bytes = 7;
  web.accept_queue = {3, 128, 0.25};
  PortCounts database{.port = 5432};
  database.sockets[index_of(TcpState::established)] = 9;
  snapshot.directions[index_of(Direction::inbound)] = {{web}, {}, 4};
  snapshot.directions[index_of(Direction::outbound)] = {{database}, {}, 0};
  snapshot.families[1][index_of(TcpState::established)] = 9;
  snapshot.sockets = 16;
  snapshot.unknown_state_sockets = 1;
  return snapshot;
}

template <typename Rows>
std::set<std::string> names_of(const Rows& rows) {
  std::set<std::string> names;
  for (const auto& row : rows) names.insert(std::string(row.name));
  return names;
}

std::set<std::string> families_in(const std::string& text) {
  std::set<std::string> names;
  const auto exposition = Exposition::parse(text);
  for (const auto& [name, type] : exposition.families()) names.insert(name);
  return names;
}

ExporterState full_state() {
  ExporterState state;
  state.process = {1.5, 2, 3, 4, 5, 6, 7};
  state.process_start_time_seconds = 8;
  return state;
}

// The label names of every series, in the table's words.
template <typename Rows>
void check_labels(const Rows& rows, const std::string& text) {
  const auto exposition = Exposition::parse(text);
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const auto all = exposition.matching(std::string(row.name));
    REQUIRE_FALSE(all.empty());
    std::set<std::string> wanted;
    std::string word;
    for (const char c : std::string(row.labels) + ",") {
      if (c == ' ') continue;
      if (c != ',') {
        word += c;
      } else if (!word.empty()) {
        wanted.insert(std::exchange(word, {}));
      }
    }
    for (const auto& series : all) {
      std::set<std::string> found;
      for (const auto& [name, value] : series.labels) found.insert(name);
      CHECK(found == wanted);
    }
  }
}

}  // namespace

TEST_CASE("Every tracked port has all states, zeros included, and other is always there") {
  const auto exposition = Exposition::parse(render(two_ports()));
  for (const auto& [direction, port] : std::vector<std::pair<std::string, std::string>>{
           {"inbound", "80"}, {"inbound", "other"}, {"outbound", "5432"}, {"outbound", "other"}}) {
    const Labels labels{{"direction", direction}, {"port", port}};
    CHECK(exposition.matching("sockdiag_tcp_sockets", labels).size() == kTcpStateCount);
  }
  const auto count = [&](const char* direction, const char* port, const char* state) {
    return exposition.value("sockdiag_tcp_sockets",
                            {{"direction", direction}, {"port", port}, {"state", state}});
  };
  CHECK(count("inbound", "80", "close_wait") == 5);
  CHECK(count("inbound", "80", "syn_recv") == 0);
  CHECK(count("outbound", "5432", "established") == 9);
  CHECK(exposition.sum("sockdiag_tcp_sockets") == 16);
}

TEST_CASE("The values are those of the snapshot") {
  const auto exposition = Exposition::parse(render(two_ports()));
  const Labels web{{"direction", "inbound"}, {"port", "80"}};
  const Labels port{{"port", "80"}};
  CHECK(exposition.value("sockdiag_tcp_receive_queue_bytes", web) == 5e9);
  CHECK(exposition.value("sockdiag_tcp_send_queue_bytes", web) == 7);
  CHECK(exposition.value("sockdiag_tcp_accept_queue_sockets", port) == 3);
  CHECK(exposition.value("sockdiag_tcp_accept_queue_limit_sockets", port) == 128);
  CHECK(exposition.value("sockdiag_tcp_accept_queue_utilization_ratio", port) == 0.25);
  CHECK(exposition.value("sockdiag_tcp_folded_ports", {{"direction", "inbound"}}) == 4);
  CHECK(exposition.value("sockdiag_tcp_family_sockets",
                         {{"family", "ipv6"}, {"state", "established"}}) == 9);
  CHECK(exposition.value("sockdiag_sample_sockets", {{"source", "tcp"}}) == 16);
  CHECK(exposition.value("sockdiag_sample_unknown_state_sockets", {{"source", "tcp"}}) == 1);
}

TEST_CASE("Every row of the tables is rendered, with its labels and no other") {
  SampleStatus status;
  status.last_success = std::chrono::system_clock::time_point{} + std::chrono::seconds(1);
  CHECK(families_in(render(two_ports())) == names_of(tcp_families()));
  CHECK(families_in(render(status)) == names_of(sample_families()));
  CHECK(families_in(render(full_state())) == names_of(exporter_families()));
  check_labels(tcp_families(), render(two_ports()));
  check_labels(sample_families(), render(status));
  check_labels(exporter_families(), render(full_state()));
}

TEST_CASE("The exporter's own metrics show what they are made of") {
  SampleStatus status;
  status.success = true;
  status.last_success = std::chrono::system_clock::time_point{} + std::chrono::milliseconds(1500);
  status.duration = std::chrono::milliseconds(250);
  status.cpu_time_total = std::chrono::milliseconds(750);
  status.interval = std::chrono::seconds(5);
  status.failures = 3;
  status.interrupted_dumps = 2;
  const auto exposition = Exposition::parse(render(status) + render(full_state()));
  const Labels tcp{{"source", "tcp"}};
  CHECK(exposition.value("sockdiag_sample_success", tcp) == 1);
  CHECK(exposition.value("sockdiag_sample_timestamp_seconds", tcp) == 1.5);
  CHECK(exposition.value("sockdiag_sample_duration_seconds", tcp) == 0.25);
  CHECK(exposition.value("sockdiag_sample_cpu_seconds_total", tcp) == 0.75);
  CHECK(exposition.value("sockdiag_sample_interval_seconds", tcp) == 5);
  CHECK(exposition.value("sockdiag_sample_failures_total", tcp) == 3);
  CHECK(exposition.value("sockdiag_dump_interrupted_total") == 2);
  CHECK(exposition.value("sockdiag_exporter_config_last_reload_successful") == 1);
  CHECK(exposition.value("process_cpu_seconds_total") == 1.5);
  CHECK(exposition.value("process_start_time_seconds") == 8);
  CHECK(exposition.families().at("process_cpu_seconds_total") == "counter");
}

TEST_CASE("What is not known has no series") {
  CHECK(render(SampleStatus{}).find("sample_timestamp") == std::string::npos);
  CHECK(render(ExporterState{}).find("process_") == std::string::npos);
}

}  // namespace sockdiag::test
