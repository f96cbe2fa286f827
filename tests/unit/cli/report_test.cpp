// SPDX-License-Identifier: Apache-2.0
#include "cli/report.hpp"

#include <algorithm>
#include <sstream>

#include "cli/live_table.hpp"
#include "documents.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string report_of(const Json& findings, const Json& samples, const Style& style = {}) {
  return report_text("HEADING", read_findings(findings.dump()), read_samples(samples.dump()),
                     style);
}

const std::vector<Json> kPorts = {
    port_with("inbound", "8080", {{"close_wait", 412}, {"listen", 1}}),
    port_with("outbound", "443", {{"established", 12}})};

// The column of the first character of `part` in the line.
std::size_t column_of(const std::string& line, const std::string& part) {
  const std::size_t at = line.find(part);
  REQUIRE(at != std::string::npos);
  return width_of(line.substr(0, at));
}

}  // namespace

TEST_CASE("A report has states, ports and findings with what to do") {
  const std::string report = report_of(findings_with({leak_finding()}), samples_with(kPorts));
  const char* const expected = R"(HEADING

STATE           SOCKETS  MEANING
CLOSE_WAIT          412  waits for us to close
ESTABLISHED          12  open

PORTS
inbound 8080    412 CLOSE_WAIT, 1 LISTEN
outbound 443    12 ESTABLISHED

FINDINGS
WARNING   inbound 8080: Service never closes (cw_in_not_closed)
  Seen     412 CLOSE_WAIT whose end was read and which were never closed
  Meaning  A leak.
  Do       1. Keep the evidence.
           2. Restart.
  Do not   - Wait: No timeout ends it. (RFC 1122)
  Confirm  The sockets
           ss -Htnpe state close-wait '( sport = :8080 )' | awk '$1==0'
  Unlike   - cw_in_unread: There Recv-Q is not 0.
           - Half-closed clients.
  Runbook  https://example.org/runbook.md#leak
  Source   RFC 9293

)";
  CHECK(report == expected);
}

TEST_CASE("Who holds the sockets stands behind what was seen") {
  Json finding = leak_finding();
  finding["held_by"] = {{"processes", list_of({{"text", "pid 4242 (java) holds 412"}})},
                        {"notes", list_of("not all were looked at")}};
  const std::string report = report_of(findings_with({finding}), samples_with(kPorts));
  const std::string expected =
      "  Held by  - pid 4242 (java) holds 412\n"
      "           - not all were looked at\n"
      "  Meaning  A leak.\n";
  CHECK(has(report, expected));
}

TEST_CASE("A finding is told with its owner and the name of its port") {
  Json finding = leak_finding();
  finding["port_name"] = "checkout";
  finding["owner"] = {{"namespace", "shop"}, {"pod", "cart-7d9"}, {"container", "app"}};
  Json samples = samples_with(kPorts);
  samples["ports"][0]["name"] = "checkout";
  const std::string report = report_of(findings_with({finding}), samples);
  CHECK_THAT(report, contains_text("inbound 8080 (checkout), in pod shop/cart-7d9,"));
  CHECK_THAT(report, contains_text("inbound 8080 (checkout)\n                412 CLOSE_WAIT"));
  finding["other_namespace"] = true;
  finding["direction"] = nullptr;
  finding["port"] = nullptr;
  finding["port_name"] = nullptr;
  CHECK_THAT(report_of(findings_with({finding}), samples),
             contains_text("in pod shop/cart-7d9, container app: Service never closes"));
}

TEST_CASE("A finding of another network namespace is not one of the host's port") {
  Json finding = leak_finding();
  finding["port"] = "443";
  finding["direction"] = "outbound";
  const auto first_port = [&] {
    auto ports = read_samples(samples_with(kPorts).dump()).ports;
    sort_ports(ports, read_findings(findings_with({finding}).dump()));
    return ports.front().port;
  };
  CHECK(first_port() == "443");
  finding["other_namespace"] = true;
  CHECK(first_port() == "8080");
}

TEST_CASE("Only a complete diagnosis without findings says that there are none") {
  Json findings = findings_with({});
  Json samples = samples_with(kPorts);
  CHECK(report_of(findings, samples).ends_with("\nNo findings.\n"));
  findings["unchecked"] = Json::array({"orphans", "tcp_memory"});
  CHECK(report_of(findings, samples)
            .ends_with("\nNo findings.\nNot checked, or not for long enough: orphans, "
                       "tcp_memory\n"));
  findings["complete"] = false;
  findings["unchecked"] = Json::array();
  CHECK(report_of(findings, samples)
            .ends_with("\nDiagnosis incomplete: the exporter does not say why.\n"));
  samples["sources"][0]["success"] = false;
  CHECK(report_of(findings, samples)
            .ends_with("\nDiagnosis incomplete: the last sample of these sources failed: tcp\n"));
  samples["totals"] = nullptr;
  samples["ports"] = Json::array();
  CHECK(report_of(findings, samples) ==
        "HEADING\n\nDiagnosis incomplete: there is no recent sample of the sockets.\n");
  findings["findings"] = list_of(leak_finding());
  findings["findings"][0]["finding"] = "blind";
  findings["findings"][0]["text"] = "The sample of tcp failed.";
  const std::string report = report_of(findings, samples);
  CHECK(report.ends_with("\nDiagnosis incomplete: The sample of tcp failed.\n"));
  CHECK_FALSE(has(report, "No findings"));
}

TEST_CASE("No line is wider than the terminal, but a single word may be") {
  Json finding = leak_finding();
  for (const char* part : {"text", "meaning", "title"}) {
    std::string text;
    for (int i = 0; i < 40; ++i) text += "some words 和中文字，";
    finding[part] = text;
  }
  const auto columns = GENERATE(as<std::size_t>(), 40, 57, 80, 100);
  for (const Language language : kLanguages) {
    for (const auto& line : lines_of(report_of(findings_with({finding}), samples_with(kPorts),
                                               {.language = language, .columns = columns}))) {
      CAPTURE(line, columns);
      CHECK((width_of(line) <= columns || has(line, "https://") || has(line, "'( sport")));
    }
  }
}

TEST_CASE("Columns line up in Chinese, too") {
  for (const Language language : kLanguages) {
    const auto lines = lines_of(
        report_of(findings_with({leak_finding()}), samples_with(kPorts), {.language = language}));
    CAPTURE(lines);
    const std::string count = language == Language::english ? "SOCKETS" : "套接字数";
    const std::size_t end = column_of(lines.at(2), count) + width_of(count);
    CHECK(column_of(lines.at(3), "412") + 3 == end);
    CHECK(column_of(lines.at(4), "12") + 2 == end);
    CHECK(column_of(lines.at(7), "412") == column_of(lines.at(8), "12"));
    const auto first = std::find_if(lines.begin(), lines.end(),
                                    [](const auto& line) { return has(line, "1. Keep"); });
    REQUIRE(first != lines.end());
    CHECK(column_of(*first, "1. ") == column_of(*(first + 1), "2. "));
  }
}

TEST_CASE("Without colours a report has no escape sequence, with them each one ends on its line") {
  CHECK_FALSE(has(report_of(findings_with({leak_finding()}), samples_with(kPorts)), "\x1b"));
  for (const auto& line : lines_of(
           report_of(findings_with({leak_finding()}), samples_with(kPorts), {.color = true}))) {
    CHECK(has(line, "\x1b[") == has(line, "\x1b[0m"));
  }
  CHECK(has(report_of(findings_with({leak_finding()}), samples_with(kPorts), {.color = true}),
            "\x1b[1;33mWARNING"));
}

TEST_CASE("The eight ports that matter most are shown, and how many are not") {
  std::vector<Json> ports;
  for (int i = 1; i <= 11; ++i) {
    ports.push_back(port_with("inbound", std::to_string(i), {{"established", i}}));
  }
  const std::string report = report_of(findings_with({}), samples_with(ports));
  CHECK(has(report, "inbound 11 "));
  CHECK(has(report, "inbound 4 "));
  CHECK_FALSE(has(report, "inbound 3 "));
  CHECK(has(report, "more ports with sockets: 3\n"));
}

TEST_CASE("The live table has a column for each state there is, and rows for the ports") {
  const auto findings = read_findings(findings_with({leak_finding()}).dump());
  const auto samples = read_samples(samples_with(kPorts).dump());
  const auto lines = live_table("HEADING", findings, samples, {}, 24);
  CHECK(lines == std::vector<std::string>{"HEADING",
                                          "inbound 8080: Service never closes (cw_in_not_closed)",
                                          "", "PORT            CLOSE_WAIT ESTABLISHED  LISTEN",
                                          "inbound 8080           412           .       1",
                                          "outbound 443             .          12       ."});
}

TEST_CASE("The live table fits the terminal, and says what does not") {
  Json busy = Json::object();
  for (const auto& name : kTcpStateNames) busy[std::string(name)] = 1;
  std::vector<Json> ports;
  for (int i = 1; i <= 30; ++i) ports.push_back(port_with("inbound", std::to_string(i), busy));
  const auto samples = read_samples(samples_with(ports).dump());
  const auto findings = read_findings(
      findings_with({leak_finding(), leak_finding(), leak_finding(), leak_finding()}).dump());
  for (const Language language : kLanguages) {
    const auto lines = live_table("HEADING", findings, samples, {.language = language}, 12);
    CAPTURE(lines);
    CHECK(lines.size() == 12);
    for (const auto& line : lines) CHECK(width_of(line) <= 80);
    CHECK(width_of(lines.at(5)) == width_of(lines.at(6)));
  }
  const auto lines = live_table("HEADING", findings, samples, {.columns = 200}, 12);
  CHECK(lines.back() == "not shown: ports: 25, findings: 1");
  CHECK(live_table("HEADING", findings, samples, {}, 2).size() == 2);
  CHECK(live_table("HEADING", findings, samples, {}, 12).back() ==
        "not shown: LAST_ACK, TIME_WAIT, ESTABLISHED, LISTEN, CLOSE, ports: 25,");
}

}  // namespace sockdiag::test
