// SPDX-License-Identifier: Apache-2.0

// The README says what the program does: its tables are compared with the program's.

#include <fstream>
#include <set>
#include <sstream>
#include <vector>

#include "sockdiag/cli/command_line.hpp"
#include "sockdiag/configuration/configuration_keys.hpp"
#include "sockdiag/metrics/metric_families.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using Row = std::vector<std::string>;

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// The rows of the Markdown table under a heading, its own head left out.
std::vector<Row> table_under(const std::string& heading) {
  std::ifstream file(SOCKDIAG_SOURCE_DIR "/README.md");
  std::string line;
  while (std::getline(file, line) && line != heading) {
  }
  std::vector<Row> rows;
  while (std::getline(file, line) && !line.starts_with("#")) {
    if (!line.starts_with("|")) continue;
    Row row;
    std::istringstream cells(line.substr(1));
    for (std::string cell; std::getline(cells, cell, '|');) row.push_back(trimmed(cell));
    rows.push_back(row);
  }
  REQUIRE(rows.size() > 2);
  return {rows.begin() + 2, rows.end()};
}

std::string code(std::string_view text) {
  std::string marked(1, '`');
  marked += text;
  return marked += '`';
}

std::string type_name(prometheus::MetricType type) {
  return type == prometheus::MetricType::Counter ? "counter" : "gauge";
}

template <typename Rows>
void append_rows(std::vector<Row>& table, const Rows& families) {
  for (const auto& family : families) {
    table.push_back({code(family.name), type_name(family.type), std::string(family.labels),
                     std::string(family.help)});
  }
}

// What --help prints.
std::string help_text() {
  const std::vector<const char*> arguments = {"sockdiag_exporter", "--help"};
  const auto parsed = parse_command_line(2, arguments.data());
  REQUIRE(std::get<ExitStatus>(parsed).status == 0);
  return std::get<ExitStatus>(parsed).text;
}

}  // namespace

TEST_CASE("The README's metric table is the program's") {
  std::vector<Row> metrics;
  append_rows(metrics, tcp_families());
  append_rows(metrics, listener_families());
  for (const KernelValueRow& row : kernel_value_rows()) {
    metrics.push_back({code(row.metric), row.type == ValueType::counter ? "counter" : "gauge", "",
                       std::string(row.help)});
  }
  append_rows(metrics, sample_families());
  append_rows(metrics, exporter_families());
  CHECK(table_under("## Metrics") == metrics);
}

// Grafana shows one HELP text at a time.
TEST_CASE("Each metric's help can be read alone") {
  std::vector<Row> metrics;
  append_rows(metrics, tcp_families());
  append_rows(metrics, listener_families());
  append_rows(metrics, sample_families());
  append_rows(metrics, exporter_families());
  for (const KernelValueRow& row : kernel_value_rows()) {
    metrics.push_back({code(row.metric), "", "", std::string(row.help)});
  }
  for (const Row& row : metrics) {
    CAPTURE(row);
    const std::string first = row.at(3).substr(0, row.at(3).find_first_of(" ,"));
    static const std::set<std::string> kLeaning = {"Those", "That", "These", "This",
                                                   "It",    "Its",  "They",  "Their"};
    CHECK_FALSE(kLeaning.contains(first));
    CHECK(row.at(3).find("The same") == std::string::npos);
    CHECK(row.at(3).find("hose of them") == std::string::npos);
    CHECK(row.at(3).ends_with('.'));
  }
}

TEST_CASE("The README's causes of CLOSE_WAIT are the program's") {
  std::vector<std::string> causes;
  for (const Row& row : table_under("### Causes of CLOSE_WAIT")) causes.push_back(row.at(0));
  std::vector<std::string> expected;
  for (const std::string_view name : kCloseWaitCauseNames) expected.push_back(code(name));
  CHECK(causes == expected);
}

TEST_CASE("The README's lingering thresholds are the program's") {
  std::vector<Row> thresholds;
  for (const Row& row : table_under("### Ages")) thresholds.push_back({row.at(0), row.at(1)});
  std::vector<Row> expected;
  for (std::size_t i = 0; i < kPassingStateCount; ++i) {
    std::ostringstream text;
    text << std::chrono::duration<double>(LifetimePolicy{}.thresholds[i]).count() << " s";
    expected.push_back({code(name_of(kPassingStates[i])), text.str()});
  }
  CHECK(thresholds == expected);
}

TEST_CASE("The README's configuration table is the program's") {
  std::vector<Row> keys;
  for (const ConfigurationKey& key : configuration_keys()) {
    keys.push_back({code(key.name), code(key.show({})), std::string(key.expected),
                    key.needs_restart ? "restart" : "live", std::string(key.summary)});
  }
  CHECK(table_under("## Configuration") == keys);
}

TEST_CASE("The README's flags that set keys are the program's") {
  std::vector<Row> flags;
  for (const KeyFlag& flag : key_flags()) flags.push_back({code(flag.flag), code(flag.key)});
  std::vector<Row> in_readme;
  for (const Row& row : table_under("## Flags")) {
    if (row.at(1).starts_with("`")) in_readme.push_back({row.at(0), row.at(1)});
  }
  CHECK(in_readme == flags);
}

TEST_CASE("The README has every flag of the help, and no other") {
  std::set<std::string> in_help;
  std::istringstream words(help_text());
  for (std::string word; words >> word;) {
    if (word.starts_with("-h,")) word = word.substr(3);  // beside --help, in the same row
    if (word.starts_with("--")) in_help.insert(code(word));
  }
  std::set<std::string> in_readme;
  for (const Row& row : table_under("## Flags")) in_readme.insert(row.at(0));
  CHECK(in_readme == in_help);
  CHECK(in_help.size() > key_flags().size());
}

}  // namespace sockdiag::test
