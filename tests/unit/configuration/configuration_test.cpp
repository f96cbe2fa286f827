// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <set>

#include "parsed.hpp"
#include "sockdiag/configuration/configuration_keys.hpp"
#include "sockdiag/core/finding.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using namespace std::chrono_literals;

// All keys as text, to compare configurations as a whole.
std::string shown(const Configuration& configuration) {
  std::string text;
  for (const ConfigurationKey& key : configuration_keys()) {
    text += std::string(key.name) + ": " + key.show(configuration) + "\n";
  }
  return text;
}

// As declared: one a line.
std::size_t members_of_finding_policy() {
  std::ifstream header(SOCKDIAG_SOURCE_DIR "/include/sockdiag/core/finding_policy.hpp");
  std::size_t members = 0;
  for (std::string line; std::getline(header, line);) members += line.starts_with("  double ");
  return members;
}

}  // namespace

TEST_CASE("A configuration without keys is that of the defaults") {
  for (const char* text :
       {"", "# nothing\n", "---\n", "{}", "sampling:\nports:\nweb:\nlog:\n", "sampling: {}", "~"}) {
    CAPTURE(text);
    CHECK(shown(parse(text)) == shown({}));
  }
}

TEST_CASE("The shipped configuration file has every key with its default") {
  const std::string path = SOCKDIAG_SOURCE_DIR "/config/sockdiag_exporter.yml";
  CHECK(shown(load_configuration(path)) == shown({}));
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  for (const ConfigurationKey& key : configuration_keys()) {
    const std::string line = "  " + std::string(key.name.substr(key.name.find('.') + 1)) + ": ";
    CHECK_THAT(text, contains_text(line + key.show({})));
  }
}

TEST_CASE("Every key is read") {
  const Configuration all = parse(R"(
sampling:
  interval: 1m30s
  cpu_budget: 0.5
  max_staleness: 2m
ports:
  inbound: [80, 443, 30000-32767]
  outbound:
    - 5432
  exclude: [9100]
  max_ports: 3000
  port_retention: 0s
listeners:
  interval: 200ms
  peak_window: 5m
lifetimes:
  max_sockets: 1000
  syn_sent: 1s
  syn_recv: 2s
  fin_wait1: 3s
  fin_wait2: 4s
  closing: 5s
  close_wait: 6s
  last_ack: 7s
ephemeral_ports:
  busiest: 9
  export_addresses: true
findings:
  disable: [tw_server, blind]
  close_wait_growth: 1.5
  queue_bytes: 2097152
metrics:
  exclude: [process_*, sockdiag_tcp_folded_ports]
web:
  listen_addresses: ["127.0.0.1:1", "[::1]:2"]
  telemetry_path: /m
  max_requests: 3
  enable_lifecycle: true
  workers: 8
  request_timeout: 250ms
  max_connections_per_client: 5
  allow: [10.0.0.0/8, "2001:db8::/32"]
log:
  level: debug
  format: json
)");
  CHECK(all.sampling.interval == 90s);
  CHECK(all.sampling.cpu_budget == 0.5);
  CHECK(all.sampling.max_staleness == 2min);
  PortList inbound{80, 443};
  inbound.add({30000, 32767});
  CHECK(all.ports.inbound == inbound);
  CHECK(all.ports.outbound == PortList{5432});
  CHECK(all.ports.exclude == PortList{9100});
  CHECK(all.ports.max_ports == 3000);
  CHECK(all.ports.port_retention == 0s);
  CHECK(all.listeners.interval == 200ms);
  CHECK(all.listeners.peak_window == 5min);
  CHECK(all.lifetimes.max_sockets == 1000);
  using Thresholds = ByPassingState<std::chrono::milliseconds>;
  CHECK(all.lifetimes.thresholds == Thresholds{1s, 2s, 3s, 4s, 5s, 6s, 7s});
  CHECK(all.ephemeral_ports.busiest == 9);
  CHECK(all.ephemeral_ports.export_addresses);
  CHECK(all.findings.disable == std::vector<std::string>{"tw_server", "blind"});
  CHECK(all.findings.close_wait_growth == 1.5);
  CHECK(all.findings.queue_bytes == 2'097'152);
  CHECK(all.metrics.exclude == FamilyPatterns{"process_*", "sockdiag_tcp_folded_ports"});
  CHECK(all.web.listen_addresses == std::vector<std::string>{"127.0.0.1:1", "[::1]:2"});
  CHECK(all.web.telemetry_path == "/m");
  CHECK(all.web.max_requests == 3);
  CHECK(all.web.enable_lifecycle);
  CHECK(all.web.workers == 8);
  CHECK(all.web.request_timeout == 250ms);
  CHECK(all.web.max_connections_per_client == 5);
  CHECK(all.web.allow == std::vector<std::string>{"10.0.0.0/8", "2001:db8::/32"});
  CHECK(all.log.level == LogLevel::debug);
  CHECK(all.log.format == LogFormat::json);
}

TEST_CASE("A wrong configuration is told by its place and what was expected") {
  struct Row {
    const char* text;
    const char* problem;
  };
  const auto row = GENERATE(values<Row>({
      {"sampling:\n  intervall: 5s\n",
       "f.yml:2:3: unknown key \"intervall\"; did you mean \"interval\"?"},
      {"samplings:\n", "f.yml:1:1: unknown key \"samplings\"; did you mean \"sampling\"?"},
      {"log: {level: info, level: info}",
       "f.yml:1:20: duplicate key \"level\", first at f.yml:1:7"},
      {"log:\nlog:\n", "f.yml:2:1: duplicate key \"log\", first at f.yml:1:1"},
      {"[1]", "f.yml:1:1: expected a mapping of sections"},
      {"sampling: 5", "f.yml:1:11: sampling: expected a mapping of keys"},
      {"? [a]\n: 1", "expected a key that is a plain word"},
      {"sampling:\n  interval: 5",
       "f.yml:2:13: sampling.interval: expected a duration from 100ms "
       "to 1h, such as 5s, got \"5\""},
      {"sampling: {interval: 99ms}", "got \"99ms\""},
      {"sampling: {interval: 1h1ms}", "got \"1h1ms\""},
      {"sampling: {interval: }", "got nothing"},
      {"sampling: {interval: [5s]}", "got a list or mapping"},
      {"sampling: {cpu_budget: 0}", "expected a number from 0.001 to 1"},
      {"sampling: {cpu_budget: 1.01}", "got \"1.01\""},
      {"sampling: {cpu_budget: nan}", "got \"nan\""},
      {"sampling: {cpu_budget: 0.5x}", "got \"0.5x\""},
      {"sampling: {max_staleness: 999ms}", "got \"999ms\""},
      {"ports: {inbound: 80}", "got no list"},
      {"ports: {inbound: [0]}", "f.yml:1:19: ports.inbound: expected a list of ports"},
      {"ports: {inbound: [80, 65536]}", "f.yml:1:23"},
      {"ports: {inbound: [80, [81]]}", "got a list or mapping"},
      {"ports: {max_ports: 0}", "a whole number from 1 to 3000"},
      {"ports: {max_ports: 3001}",
       "f.yml:1:20: ports.max_ports: expected a whole number from 1 to 3000, got \"3001\""},
      {"ports: {max_ports: 1.5}", "got \"1.5\""},
      {"ports: {max_ports: -1}", "got \"-1\""},
      {"ports: {inbound: [1, 2], max_ports: 1}", "f.yml:1:18: ports.inbound: expected no more"},
      {"ports: {outbound: [1, 2], max_ports: 1}", "f.yml:1:19: ports.outbound: expected no more"},
      {"ports: {inbound: [1-101]}",
       "f.yml:1:18: ports.inbound: expected no more ports than ports.max_ports, 100, got 101 "
       "(ports.max_ports: the default)"},
      {"ports: {inbound: [5-3]}",
       "f.yml:1:19: ports.inbound: expected a list of ports from 1 to 65535, or ranges such as "
       "30000-32767, got \"5-3\""},
      {"ports: {outbound: [80, 0-9]}", "f.yml:1:24: ports.outbound: expected a list of ports"},
      {"ports: {exclude: [1-70000]}", "got \"1-70000\""},
      {"ports: {exclude: [1-2-3]}", "got \"1-2-3\""},
      {"ports: {exclude: [a-b]}", "got \"a-b\""},
      {"ports: {exclude: [80-]}", "got \"80-\""},
      {"ports: {exclude: [-80]}", "got \"-80\""},
      {"ports: {exclude: [\"\"]}", "got \"\""},
      {"ports:\n  exclude: [70-90]\n  inbound: [22, 80]\n",
       "f.yml:2:12: ports.exclude: expected no port of ports.inbound, got 80"},
      {"ports: {exclude: [443], outbound: [400-450]}",
       "f.yml:1:18: ports.exclude: expected no port of ports.outbound, got 443"},
      {"metrics: {exclude: process_*}", "got no list"},
      {"ports: {port_retention: 1d1ms}", "got \"1d1ms\""},
      {"listeners: {interval: 99ms}", "f.yml:1:23: listeners.interval: expected a duration from"},
      {"listeners: {interval: 61s}", "got \"61s\""},
      {"listeners: {peak_window: 2h}", "f.yml:1:26: listeners.peak_window: expected a duration"},
      {"listeners:\n  interval: 10s\n  peak_window: 9s\n",
       "f.yml:3:16: listeners.peak_window: expected no less than listeners.interval, 10s "
       "(listeners.interval: f.yml:2:13)"},
      {"listeners: {interval: 1m}\nports: {inbound: [1, 2], max_ports: 1}",
       "f.yml:2:18: ports.inbound: expected no more ports than ports.max_ports, 1, got 2 "
       "(ports.max_ports: f.yml:2:37)"},
      {"listeners: {peak_window: 1s, interval: 2s}", " (listeners.interval: f.yml:1:40)"},
      {"lifetimes: {max_sockets: 999}", "f.yml:1:26: lifetimes.max_sockets: expected a whole"},
      {"lifetimes: {max_sockets: 10000001}", "a whole number from 1000 to 10000000"},
      {"lifetimes: {close_wait: 0s}", "f.yml:1:25: lifetimes.close_wait: expected a duration"},
      {"lifetimes: {syn_recv: 2d}", "expected a duration from 100ms to 1d, such as 10s"},
      {"lifetimes: {time_wait: 1m}", "f.yml:1:13: unknown key \"time_wait\""},
      {"ephemeral_ports: {busiest: 0}", "f.yml:1:28: ephemeral_ports.busiest: expected a whole"},
      {"ephemeral_ports: {busiest: 101}", "a whole number from 1 to 100"},
      {"ephemeral_ports: {export_addresses: 1}", "expected true or false, got \"1\""},
      {"namespaces: {collect: all}",
       "f.yml:1:23: namespaces.collect: expected one of none, counters"},
      {"namespaces: {opener_socket: run/x}", "expected the absolute path of a socket"},
      {"path: {cgroup: cgroup}", "f.yml:1:16: path.cgroup: expected the absolute path of a folder"},
      {"findings: {close_wait_inbound: 0}",
       "f.yml:1:32: findings.close_wait_inbound: expected a number from 1 to 1000000, got \"0\""},
      {"findings: {close_wait_growth: 0.9}", "expected a number from 1 to 100, got \"0.9\""},
      {"findings: {syn_recv_opens: 3601}", "expected a number from 0 to 3600, got \"3601\""},
      {"findings: {aborts: 0}", "expected a number from 0.001 to 1000000, got \"0\""},
      {"findings: {orphans: 1.1}", "expected a number from 0.001 to 1, got \"1.1\""},
      {"findings: {queue_bytes: 0.5}", "expected a number from 1 to 1099511627776, got \"0.5\""},
      {"findings: {queue_bytes: 1MiB}", "got \"1MiB\""},
      {"findings: {closing: }", "got nothing"},
      {"findings: {clossing: 1}",
       "f.yml:1:12: unknown key \"clossing\"; did you mean \"closing\"?"},
      {"findings: {disable: blind}", "got no list"},
      {"findings:\n  disable: [blind, tw_servr]\n",
       "f.yml:2:20: findings.disable: expected a list of names of findings, such as tw_server, got "
       "\"tw_servr\"; did you mean \"tw_server\"?"},
      {"findings: {disable: [nothing_alike]}", "such as tw_server, got \"nothing_alike\""},
      {"findings:\n  syn_recv: 51\n",
       "the default: findings.syn_recv_warning: expected no less than findings.syn_recv, 51 "
       "(findings.syn_recv: f.yml:2:13)"},
      {"findings: {ephemeral_ports_critical: 0.79}",
       "f.yml:1:38: findings.ephemeral_ports_critical: expected no less than "
       "findings.ephemeral_ports, 0.8 (findings.ephemeral_ports: the default)"},
      {"findings: {tcp_memory: 0.5, tcp_memory_pressure: 0.51}",
       "f.yml:1:24: findings.tcp_memory: expected no less than findings.tcp_memory_pressure, 0.51"},
      {"web: {listen_addresses: []}", "expected at least one address"},
      {"web: {listen_addresses: [localhost]}", "got \"localhost\""},
      {"web: {telemetry_path: metrics}", "got \"metrics\""},
      {"web: {telemetry_path: /api/v1/states}", "got \"/api/v1/states\""},
      {"web: {telemetry_path: /page.css}", "got \"/page.css\""},
      {"web: {telemetry_path: /-/ready}", "got \"/-/ready\""},
      {"web: {telemetry_path: /a b}", "got \"/a b\""},
      {"web: {telemetry_path: /}", "got \"/\""},
      {"web: {telemetry_path: //m}", "got \"//m\""},
      {"web: {telemetry_path: /m/../x}", "got \"/m/../x\""},
      {"web: {enable_lifecycle: yes}", "expected true or false, got \"yes\""},
      {"web: {workers: 1}", "a whole number from 2 to 1024"},
      {"web: {workers: 99999999999999999999}", "got \"99999999999999999999\""},
      {"log: {level: verbose}", "one of debug, info, warning, error, got \"verbose\""},
      {"log: {format: xml}", "one of logfmt, json"},
      {"log: {}\n---\nlog: {}\n", "expected one YAML document"},
      {"log: [", "f.yml:1:6: not YAML: the bracket that opens here is not closed"},
      {"log: {level: info\n", "f.yml:1:6: not YAML: the bracket that opens here is not closed"},
      {"ports: {inbound: [22}", "f.yml:1:21: not YAML: unexpected ] or }"},
      {"log: *nowhere",
       "f.yml:1:6: not YAML: the alias (*) has no anchor (&) before it; text that begins with * "
       "needs quotes"},
      {"metrics: {exclude: [*]}", "f.yml:1:22: not YAML: text that begins with * needs quotes"},
      {"log: &", "f.yml:1:7: not YAML: text that begins with & needs quotes"},
      {"log: {level: info}\nweb:\n  telemetry_path: >m\n",
       "not YAML: text that begins with | or > needs quotes"},
      {"a: b: c", "f.yml:1:5: not YAML: unexpected colon"},
      {"web: {telemetry_path: @m}",
       "not YAML: a value that begins with this character needs quotes"},
      {"web:\n  listen_addresses: [::1]:80\n", "a value that begins with a quote, [ or { ends"},
      {"log: {,}", "f.yml:1:7: expected a key, got nothing"},
      {"ports: {inbound: [80,,81]}", "f.yml:1:22: ports.inbound: expected a list"},
      {"&a {x: 1}", "unknown key"},
      {"log:\n  <<: {level: info}\n",
       "f.yml:2:3: merge keys (<<) are not known; write the keys themselves"},
      {"<<: {}", "f.yml:1:1: merge keys"},
  }));
  CAPTURE(row.text);
  CHECK_THAT(problem_of(row.text), contains_text(row.problem));
  CHECK_THAT(problem_of(row.text), contains_text("f.yml:"));
}

TEST_CASE("Thresholds of two severities may be equal") {
  const FindingPolicy findings =
      parse("findings: {syn_recv: 50, ephemeral_ports: 0.95, tcp_memory_pressure: 0.8}").findings;
  CHECK(findings.syn_recv == findings.syn_recv_warning);
}

TEST_CASE("Every threshold of findings is read into a member of its own") {
  std::set<std::string> shown_policies;
  std::size_t thresholds = 0;
  for (const ConfigurationKey& key : configuration_keys()) {
    if (!key.name.starts_with("findings.") || key.is_list()) continue;
    CAPTURE(key.name);
    Configuration changed;
    key.set(changed, "1");
    if (key.show(changed) == key.show({})) key.set(changed, "2");
    CHECK_FALSE(changed.findings == FindingPolicy{});
    shown_policies.insert(shown(changed));
    ++thresholds;
  }
  CHECK(shown_policies.size() == thresholds);
  CHECK(thresholds == members_of_finding_policy());
}

TEST_CASE("Findings are disabled by their names, the incomplete diagnosis too") {
  std::string all;
  for (const std::string_view name : kFindingNames) all.append(name).append(",");
  CHECK(parse("findings: {disable: [" + all + "]}").findings.disable ==
        std::vector<std::string>(kFindingNames.begin(), kFindingNames.end()));
  CHECK(parse("findings: {disable: [blind]}").findings.disable ==
        std::vector<std::string>{"blind"});
}

TEST_CASE("The file knows the short name of the level warning") {
  CHECK(parse("log: {level: warn}").log.level == LogLevel::warning);
}

TEST_CASE("A socket's path is no longer than its address may be") {
  const auto with_path = [](std::size_t size) {
    return "namespaces: {opener_socket: /" + std::string(size - 1, 'x') + "}";
  };
  CHECK(problem_of(with_path(107)) == "no problem");
  CHECK_THAT(problem_of(with_path(108)), contains_text("of at most 107 bytes"));
}

TEST_CASE("A key that stands outside of its section is told where it belongs") {
  const std::string inside = "; expected the key \"interval\" inside of the section \"sampling\"";
  CHECK(problem_of("interval: 5s") ==
        "f.yml:1:1: unknown key \"interval\"" + inside + " or \"listeners\"");
  CHECK(problem_of("sampling.interval: 5s") ==
        "f.yml:1:1: unknown key \"sampling.interval\"" + inside);
  CHECK(problem_of("sampling: {sampling.interval: 5s}") ==
        "f.yml:1:12: unknown key \"sampling.interval\"" + inside);
  CHECK(problem_of("cpu_budget: 1") ==
        "f.yml:1:1: unknown key \"cpu_budget\"; expected the key \"cpu_budget\" inside of the "
        "section \"sampling\" or \"namespaces\"");
}

TEST_CASE("Ports have names, each port one") {
  const Configuration parsed = parse("ports: {names: {8443: checkout, 53: \"name server\"}}");
  CHECK(parsed.findings.port_names == PortNames{{53, "name server"}, {8443, "checkout"}});
  CHECK(find_configuration_key("ports.names")->show(parsed) ==
        "{53: \"name server\", 8443: \"checkout\"}");
  CHECK(parse("ports: {names: {80: 结算}}").findings.port_names.at(80) == "结算");
  const std::string expected =
      "ports.names: expected a mapping of ports from 1 to 65535 to names of 1 to 40 characters "
      "such "
      "as {8443: checkout}, ";
  using Row = std::pair<std::string, std::string>;
  const auto row = GENERATE_COPY(values<Row>({
      {"[8443]", "1:16: " + expected + "got no mapping"},
      {"checkout", "1:16: " + expected + "got no mapping"},
      {"{0: a}", "1:17: " + expected + "got \"0\""},
      {"{65536: a}", "1:17: " + expected + "got \"65536\""},
      {"{http: a}", "1:17: " + expected + "got \"http\""},
      {"{80: a, 080: b}", "1:24: " + expected + "got port 80 twice"},
      {"{80: a, 80: b}", "1:24: duplicate key \"80\", first at f.yml:1:17"},
      {"{80: }", "got nothing"},
      {"{80: [a]}", "1:21: " + expected + "got a list or mapping"},
      {"{80: \"\"}", "1:21: " + expected + "got \"\""},
      {"{80: \" a\"}", "1:21: " + expected},
      {"{80: 'a\"b'}", "1:21: " + expected},
      {"{80: 'a\\b'}", "1:21: " + expected},
      {"{80: \"a\\nb\"}", "1:21: " + expected},
      {"{80: " + std::string(41, 'a') + "}", "1:21: " + expected},
  }));
  CHECK_THAT(problem_of("ports: {names: " + row.first + "}"), contains_text(row.second));
}

TEST_CASE("For an unknown key a known one is suggested only where it is near") {
  CHECK(problem_of("log: {lvl: info}") ==
        "f.yml:1:7: unknown key \"lvl\"; expected one of format, level");
  CHECK(problem_of("log: {levl: info}") ==
        "f.yml:1:7: unknown key \"levl\"; did you mean \"level\"?");
  CHECK_THAT(problem_of("cluster: a"),
             Catch::Matchers::StartsWith("f.yml:1:1: unknown key \"cluster\"; expected one of "));
}

TEST_CASE("Lists of ports are shown with the ranges that they have") {
  const std::string text = "[80, 443, 30000-32767]";
  const auto parsed = parse("ports: {max_ports: 3000, inbound: " + text + "}");
  CHECK(find_configuration_key("ports.inbound")->show(parsed) == text);
}

TEST_CASE("Every key shows its value as the file would have it") {
  for (const ConfigurationKey& key : configuration_keys()) {
    CAPTURE(key.name);
    const auto dot = key.name.find('.');
    const std::string text = std::string(key.name.substr(0, dot)) + ": {" +
                             std::string(key.name.substr(dot + 1)) + ": " + key.show({}) + "}";
    CHECK(shown(parse(text)) == shown({}));
  }
}

}  // namespace sockdiag::test
