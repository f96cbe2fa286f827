// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/metrics/metric_families.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "sockdiag/metrics/namespace_families.hpp"
#include "support/catch.hpp"
#include "support/exposition_text.hpp"

namespace sockdiag::test {
namespace {

PortCounts seen(PortCounts counts) {
  counts.seen.add_states(counts.sockets);
  counts.seen.add_queues(counts.receive_queue_bytes, counts.send_queue_bytes);
  return counts;
}

TcpSnapshot two_ports() {
  TcpSnapshot snapshot;
  PortCounts web{.port = 80};
  web.sockets[index_of(TcpState::listen)] = 2;
  web.sockets[index_of(TcpState::close_wait)] = 5;
  web.sockets[index_of(TcpState::fin_wait2)] = 6;
  web.sockets[index_of(TcpState::syn_recv)] = 12;
  web.close_wait_causes = {1, 0, 0, 0, 4};
  web.stays[passing_index_of(TcpState::close_wait)] = {3, std::chrono::milliseconds(61500)};
  web.orphaned_fin_wait2 = 6;
  web.retransmitting_syn_recv = 12;
  web.syn_recv_prefixes = 11;
  web.time_wait_started = 13;
  web.receive_queue_bytes = 5'000'000'000;
  web.send_queue_bytes = 7;
  web.accept_queue = {3, 128, 0.25};
  PortCounts database{.port = 5432};
  database.sockets[index_of(TcpState::established)] = 9;
  snapshot.directions[index_of(Direction::inbound)] = {{seen(web)}, {}, 4};
  snapshot.directions[index_of(Direction::outbound)] = {{seen(database)}, {}, 0};
  snapshot.families[1][index_of(TcpState::established)] = 9;
  snapshot.ephemeral = {28232U, 345U, {{{}, 17}}, 2, true};
  snapshot.unaccounted_sockets = -2;
  snapshot.sockets = 16;
  snapshot.unknown_state_sockets = 1;
  return snapshot;
}

ListenerSnapshot two_listeners() { return {{{80, 7, 3}, {443, 2, 0}}, {0, 1, 9}}; }

SampleStatuses of_tcp(SampleStatus status) {
  status.source = "tcp";
  status.attempts = std::max<std::uint64_t>(status.attempts, 1);
  return {status, {.source = "kernel"}};
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

const OwnedSockets& owned_sockets() {
  static const OwnerSnapshot owners = [] {
    OwnerSnapshot snapshot;
    snapshot.owners = {{{"shop", "cart-7d9", "app", "", ""}, "containerd", "u", "c", "/kubepods"}};
    OwnerCounts counts{.owner = 0, .direction = Direction::inbound, .port = 80};
    counts.sockets.fill(1);
    counts.seen.add_states(counts.sockets);
    snapshot.counts = {counts};
    return snapshot;
  }();
  static const PortNames names = {{80, "web"}};
  static const OwnedSockets sockets{&owners, nullptr, &names};
  return sockets;
}

ExporterState full_state() {
  ExporterState state;
  state.process = {1.5, 2, 3, 4, 5, 6, 7};
  state.process_start_time_seconds = 8;
  state.requests = {{{"/metrics", 200}, 9}, {{"other", 404}, 10}};
  state.refused = {{"client", 11}, {"silence", 0}};
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

TEST_CASE("Each socket is in one series, and other is always there") {
  const auto exposition = Exposition::parse(render(two_ports()));
  for (const char* direction : {"inbound", "outbound"}) {
    const Labels other{{"direction", direction}, {"port", "other"}};
    CHECK_FALSE(exposition.matching("sockdiag_tcp_sockets", other).empty());
  }
  const auto count = [&](const char* direction, const char* port, const char* state) {
    return exposition.value("sockdiag_tcp_sockets",
                            {{"direction", direction}, {"port", port}, {"state", state}});
  };
  CHECK(count("inbound", "80", "close_wait") == 5);
  CHECK(count("inbound", "80", "syn_sent") == 0);
  CHECK(count("outbound", "5432", "established") == 9);
  CHECK(exposition.sum("sockdiag_tcp_sockets") == 34);
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

TEST_CASE("Why and for how long is shown by port") {
  const auto exposition = Exposition::parse(render(two_ports()));
  const auto value = [&](const std::string& name, Labels labels) {
    labels.insert({"port", "80"});
    return exposition.value("sockdiag_tcp_" + name, labels);
  };
  const Labels inbound{{"direction", "inbound"}};
  const Labels leak{{"direction", "inbound"}, {"state", "close_wait"}};
  CHECK(value("close_wait_sockets", {{"direction", "inbound"}, {"cause", "not_accepted"}}) == 1);
  CHECK(value("close_wait_sockets", {{"direction", "inbound"}, {"cause", "unread_data"}}) == 0);
  CHECK(value("close_wait_sockets", {{"direction", "inbound"}, {"cause", "not_closed"}}) == 4);
  CHECK(value("lingering_sockets", leak) == 3);
  CHECK(value("oldest_socket_seconds", leak) == 61.5);
  CHECK(value("fin_wait2_orphaned_sockets", inbound) == 6);
  CHECK(value("syn_recv_retransmitting_sockets", {}) == 12);
  CHECK(value("syn_recv_prefixes", {}) == 11);
  CHECK(value("time_wait_started_total", inbound) == 13);
  CHECK(exposition.families().at("sockdiag_tcp_time_wait_started_total") == "counter");
}

TEST_CASE("Ephemeral ports are shown by rank, zeros included, and by name where that is wanted") {
  TcpSnapshot snapshot;
  const std::array<std::uint8_t, 16> loopback = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  const IpAddress ipv6 = IpAddress::from_ipv6(loopback.data());
  const IpAddress ipv4 = IpAddress::from_ipv4("\x0a\x00\x00\x01");
  snapshot.ephemeral = {
      100, 18, {{{ipv4, ipv4, 443}, 9}, {{ipv6, ipv4, 443}, 7}, {{ipv6, ipv6, 80}, 2}}, 4, true};
  auto exposition = Exposition::parse(render(snapshot));
  const std::string by_name = "sockdiag_tcp_destination_ephemeral_ports_used";
  for (const auto& [rank, used] :
       std::map<std::string, int>{{"1", 9}, {"2", 7}, {"3", 2}, {"4", 0}}) {
    CHECK(exposition.value("sockdiag_tcp_ephemeral_ports_used", {{"rank", rank}}) == used);
  }
  CHECK(exposition.value("sockdiag_tcp_ephemeral_ports") == 100);
  CHECK(exposition.matching(by_name).size() == 2);
  CHECK(exposition.value(by_name, {{"destination", "10.0.0.1:443"}}) == 9);
  CHECK(exposition.value(by_name, {{"destination", "[::1]:80"}}) == 2);
  snapshot.ephemeral.export_addresses = false;
  exposition = Exposition::parse(render(snapshot));
  CHECK(exposition.matching(by_name).empty());
}

TEST_CASE("The kernel's values are shown under their names, what it lacks is not shown") {
  const auto rows = kernel_value_rows();
  KernelValues values;
  values.values.resize(rows.size());
  CHECK(render(values).empty());
  for (std::size_t i = 0; i < rows.size(); ++i) values.values[i] = i;
  values.values[3].reset();
  const auto exposition = Exposition::parse(render(values));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string name(rows[i].metric);
    CAPTURE(name);
    const auto shown = exposition.value(name);
    CHECK(shown.has_value() == (i != 3));
    if (!shown) continue;
    CHECK(*shown == static_cast<double>(i));
    CHECK(exposition.families().at(name) ==
          (rows[i].type == ValueType::counter ? "counter" : "gauge"));
    CHECK(exposition.help().at(name) == rows[i].help);
  }
}

TEST_CASE("Every row of the tables is rendered, with its labels and no other") {
  SampleStatus status;
  status.last_success = std::chrono::system_clock::time_point{} + std::chrono::seconds(1);
  CHECK(families_in(render(two_ports())) == names_of(tcp_families()));
  CHECK(families_in(render(two_listeners())) == names_of(listener_families()));
  CHECK(families_in(render(owned_sockets())) == names_of(owner_families()));
  CHECK(families_in(render(NamespacesSnapshot{})) == names_of(namespace_families()));
  CHECK(families_in(render(of_tcp(status))) == names_of(sample_families()));
  CHECK(families_in(render(full_state())) == names_of(exporter_families()));
  check_labels(tcp_families(), render(two_ports()));
  check_labels(listener_families(), render(two_listeners()));
  check_labels(namespace_families(), render(NamespacesSnapshot{}));
  check_labels(sample_families(), render(of_tcp(status)));
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
  status.attempts = 7;
  const auto exposition = Exposition::parse(render(of_tcp(status)) + render(full_state()));
  const Labels tcp{{"source", "tcp"}};
  CHECK(exposition.value("sockdiag_sample_success", tcp) == 1);
  CHECK(exposition.value("sockdiag_sample_timestamp_seconds", tcp) == 1.5);
  CHECK(exposition.value("sockdiag_sample_duration_seconds", tcp) == 0.25);
  CHECK(exposition.value("sockdiag_sample_cpu_seconds_total", tcp) == 0.75);
  CHECK(exposition.value("sockdiag_sample_interval_seconds", tcp) == 5);
  CHECK(exposition.value("sockdiag_sample_failures_total", tcp) == 3);
  CHECK(exposition.value("sockdiag_samples_total", tcp) == 7);
  CHECK(exposition.value("sockdiag_exporter_config_last_reload_successful") == 1);
  CHECK(exposition.value("process_cpu_seconds_total") == 1.5);
  CHECK(exposition.value("process_start_time_seconds") == 8);
  CHECK(exposition.value("sockdiag_http_requests_total", {{"path", "other"}, {"code", "404"}}) ==
        10);
  constexpr char kRefused[] = "sockdiag_http_connections_refused_total";
  CHECK(exposition.value(kRefused, {{"reason", "client"}}) == 11);
  CHECK(exposition.value(kRefused, {{"reason", "silence"}}) == 0);
  CHECK(exposition.families().at(kRefused) == "counter");
  CHECK(exposition.families().at("process_cpu_seconds_total") == "counter");
}

TEST_CASE("Each finding that holds is a series with its severity and its place") {
  Findings findings;
  findings.found = {
      {FindingId::cw_in_unread, Severity::warning, Direction::inbound, 8080},
      {FindingId::tw_client, Severity::info, Direction::outbound, 0},
      {FindingId::orphans, Severity::warning},
  };
  findings.unchecked = {FindingId::tcp_memory};
  const auto exposition = Exposition::parse(render(findings));
  const auto value = [&](const char* finding, const char* severity, const char* direction,
                         const char* port) {
    return exposition.value(
        "sockdiag_findings",
        {{"finding", finding}, {"severity", severity}, {"direction", direction}, {"port", port}});
  };
  CHECK(value("cw_in_unread", "warning", "inbound", "8080") == 1);
  CHECK(value("tw_client", "info", "outbound", "other") == 1);
  CHECK(value("orphans", "warning", "", "") == 1);
  CHECK(exposition.series().size() == 3);
  CHECK(render(Findings{}).empty());
}

TEST_CASE("A finding has the labels of its owner, without those that are empty") {
  Findings findings;
  findings.found = {{FindingId::cw_in_not_closed, Severity::warning, Direction::inbound, 8080}};
  findings.found[0].owner = {"shop", "cart-7d9", "app", "", ""};
  const auto exposition = Exposition::parse(render(findings));
  CHECK(exposition.value("sockdiag_findings", {{"finding", "cw_in_not_closed"},
                                               {"severity", "warning"},
                                               {"direction", "inbound"},
                                               {"port", "8080"},
                                               {"namespace", "shop"},
                                               {"pod", "cart-7d9"},
                                               {"container", "app"}}) == 1);
}

TEST_CASE("What is excluded is left out, and nothing else changes") {
  KernelValues kernel;
  kernel.values.assign(kernel_value_rows().size(), 1);
  SampleStatus status;
  status.last_success = std::chrono::system_clock::time_point{} + std::chrono::seconds(1);
  Findings findings;
  findings.found = {{FindingId::orphans, Severity::warning}};
  const OwnerLabels pod{"shop", "cart-7d9", "", "", ""};
  const NamespaceCounters counters{kernel, 5, 4, 3};
  const auto page = [&](const FamilyPatterns& excluded) {
    const auto other = std::make_shared<const NamespaceText>(
        render_of_namespace(pod, counters, nullptr, excluded));
    return Exposition::parse(
        render(two_ports(), excluded) + render(two_listeners(), excluded) +
        compose<KernelValues>(render_by_family(kernel, excluded), {&other, 1}) +
        render(owned_sockets(), excluded) + render(NamespacesSnapshot{}, excluded) +
        render(findings, excluded) + render(of_tcp(status), excluded) +
        render(full_state(), excluded));
  };
  const auto whole = page({});
  CHECK(whole.families().size() == family_names().size());
  for (const std::string_view name : family_names()) {
    CAPTURE(name);
    const auto rest = page({std::string(name)});
    CHECK(rest.families().size() + 1 == whole.families().size());
    CHECK_FALSE(rest.families().contains(std::string(name)));
    const auto left = whole.series().size() - whole.matching(std::string(name)).size();
    CHECK(rest.series().size() == left);
  }
  const auto own = page({"process_*"});
  for (const auto& [name, type] : own.families()) {
    CHECK(name.starts_with("sockdiag_"));
  }
  CHECK(page({"sockdiag_*", "process_*"}).series().empty());
}

TEST_CASE("What is not known has no series") {
  CHECK(render(of_tcp({})).find("sample_timestamp") == std::string::npos);
  CHECK(render(SampleStatuses{}).find("source=") == std::string::npos);
  CHECK(render(ExporterState{}).find("process_") == std::string::npos);
}

}  // namespace sockdiag::test
