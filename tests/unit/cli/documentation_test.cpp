// SPDX-License-Identifier: Apache-2.0

// The documents say what the program does: their tables are compared with the program's.
// `unit_tests '[write]'` puts the program's texts into the tables of metrics and of keys.

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

#include "sockdiag/cli/command_line.hpp"
#include "sockdiag/configuration/configuration_keys.hpp"
#include "sockdiag/metrics/metric_families.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using Row = std::vector<std::string>;

// A table is the one under its heading.
struct Place {
  const char* document;
  const char* heading;
};
constexpr Place kMetrics = {"/deploy/prometheus/README.md", "## Metrics"};
constexpr Place kCauses = {"/deploy/prometheus/README.md", "## Causes of CLOSE_WAIT"};
constexpr Place kAges = {"/deploy/prometheus/README.md", "## Ages"};
constexpr Place kKeys = {"/config/README.md", "## Keys"};
constexpr Place kFlags = {"/config/README.md", "## Flags"};

std::string path_of(const Place& place) {
  return std::string(SOCKDIAG_SOURCE_DIR) + place.document;
}

std::vector<std::string> lines_of(const Place& place) {
  std::ifstream file(path_of(place));
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

Row cells_of(const std::string& line) {
  Row row;
  std::istringstream cells(line.substr(1));
  for (std::string cell; std::getline(cells, cell, '|');) row.push_back(trimmed(cell));
  return row;
}

// First and last line (exclusive) of the table's rows, without its two lines of headings.
using Lines = std::vector<std::string>;
std::pair<Lines::iterator, Lines::iterator> rows_under(Lines& lines, const char* heading) {
  const auto is_row = [](const std::string& line) { return line.starts_with("|"); };
  const auto section = std::find(lines.begin(), lines.end(), heading);
  const auto table = std::find_if(section, lines.end(), is_row);
  const auto end = std::find_if_not(table, lines.end(), is_row);
  REQUIRE(end - table > 2);
  return {table + 2, end};
}

std::vector<Row> table_at(const Place& place) {
  Lines lines = lines_of(place);
  const auto [begin, end] = rows_under(lines, place.heading);
  std::vector<Row> rows;
  std::transform(begin, end, std::back_inserter(rows), cells_of);
  return rows;
}

std::string line_of(const Row& row) {
  std::string line = "|";
  for (const std::string& cell : row) line += ' ' + cell + " |";
  return line;
}

void write_table(const Place& place, const std::vector<Row>& rows) {
  Lines lines = lines_of(place);
  const auto [begin, end] = rows_under(lines, place.heading);
  const auto gap = lines.erase(begin, end);
  std::transform(rows.begin(), rows.end(), std::inserter(lines, gap), line_of);
  std::ofstream file(path_of(place));
  for (const std::string& line : lines) file << line << '\n';
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

std::vector<Row> metrics_of_the_program() {
  std::vector<Row> metrics;
  append_rows(metrics, tcp_families());
  append_rows(metrics, listener_families());
  for (const KernelValueRow& row : kernel_value_rows()) {
    metrics.push_back({code(row.metric), row.type == ValueType::counter ? "counter" : "gauge", "",
                       std::string(row.help)});
  }
  append_rows(metrics, namespace_counter_families());
  append_rows(metrics, owner_families());
  append_rows(metrics, namespace_families());
  append_rows(metrics, finding_families());
  append_rows(metrics, sample_families());
  append_rows(metrics, exporter_families());
  return metrics;
}

std::vector<Row> keys_of_the_program() {
  std::vector<Row> keys;
  for (const ConfigurationKey& key : configuration_keys()) {
    keys.push_back({code(key.name), code(key.show({})), std::string(key.expected),
                    key.needs_restart ? "restart" : "live", std::string(key.summary)});
  }
  return keys;
}

// What --help prints, alone and behind each subcommand.
std::string help_text() {
  std::string text;
  for (const char* subcommand : {"--help", "diagnose", "explain", "top"}) {
    const std::vector<const char*> arguments = {"sockdiag_exporter", subcommand, "--help"};
    const auto parsed = parse_command_line(3, arguments.data());
    REQUIRE(std::get<ExitStatus>(parsed).status == 0);
    text += std::get<ExitStatus>(parsed).text;
  }
  return text;
}

}  // namespace

TEST_CASE("The tables of metrics and keys are written from the program", "[.write]") {
  write_table(kMetrics, metrics_of_the_program());
  write_table(kKeys, keys_of_the_program());
}

TEST_CASE("The documented metrics are the program's") {
  CHECK(table_at(kMetrics) == metrics_of_the_program());
}

// Grafana shows one HELP text at a time.
TEST_CASE("Each metric's help can be read alone") {
  for (const Row& row : metrics_of_the_program()) {
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

TEST_CASE("The documented causes of CLOSE_WAIT are the program's") {
  std::vector<std::string> causes;
  for (const Row& row : table_at(kCauses)) causes.push_back(row.at(0));
  std::vector<std::string> expected;
  for (const std::string_view name : kCloseWaitCauseNames) expected.push_back(code(name));
  CHECK(causes == expected);
}

TEST_CASE("The documented lingering thresholds are the program's") {
  std::vector<Row> thresholds;
  for (const Row& row : table_at(kAges)) thresholds.push_back({row.at(0), row.at(1)});
  std::vector<Row> expected;
  for (std::size_t i = 0; i < kPassingStateCount; ++i) {
    std::ostringstream text;
    text << std::chrono::duration<double>(LifetimePolicy{}.thresholds[i]).count() << " s";
    expected.push_back({code(name_of(kPassingStates[i])), text.str()});
  }
  CHECK(thresholds == expected);
}

TEST_CASE("The documented configuration keys are the program's") {
  CHECK(table_at(kKeys) == keys_of_the_program());
}

TEST_CASE("The documented flags that set keys are the program's") {
  std::vector<Row> flags;
  for (const KeyFlag& flag : key_flags()) flags.push_back({code(flag.flag), code(flag.key)});
  std::vector<Row> documented;
  for (const Row& row : table_at(kFlags)) {
    if (row.at(1).starts_with("`")) documented.push_back({row.at(0), row.at(1)});
  }
  CHECK(documented == flags);
}

TEST_CASE("The documents have every flag of the help, and no other") {
  std::set<std::string> in_help;
  std::istringstream words(help_text());
  for (std::string word; words >> word;) {
    if (word.starts_with("-h,")) word = word.substr(3);  // beside --help, in the same row
    if (word.starts_with("--")) in_help.insert(code(word));
  }
  std::set<std::string> documented;
  for (const Row& row : table_at(kFlags)) documented.insert(row.at(0));
  CHECK(documented == in_help);
  CHECK(in_help.size() > key_flags().size());
}

}  // namespace sockdiag::test
