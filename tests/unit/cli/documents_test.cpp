// SPDX-License-Identifier: Apache-2.0
#include "documents.hpp"

#include <functional>

#include "cli/documents.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

constexpr char kLacks[] = "a document without all that version 1 has";

std::string problem_of(const std::function<void()>& read) {
  try {
    read();
  } catch (const DocumentError& error) {
    return error.what();
  }
  return "no problem";
}

std::vector<std::string> places_of(const std::vector<ShownPort>& ports) {
  std::vector<std::string> places;
  for (const ShownPort& each : ports) places.push_back(each.direction + " " + each.port);
  return places;
}

}  // namespace

TEST_CASE("A document of findings becomes what is shown of it") {
  const auto document = read_findings(findings_with({leak_finding()}).dump());
  CHECK(document.complete);
  CHECK(document.has_warning());
  REQUIRE(document.findings.size() == 1);
  const ShownFinding& finding = document.findings.front();
  CHECK(finding.finding == "cw_in_not_closed");
  CHECK(finding.port == "8080");
  CHECK(finding.steps.size() == 2);
  CHECK(finding.avoid.at(0).second == "No timeout ends it.");
  CHECK(finding.unlike.at(0).first == "cw_in_unread");
  CHECK(finding.unlike.at(1).first.empty());
  CHECK(finding.held_by.empty());
  CHECK_FALSE(read_findings(findings_with({}).dump()).has_warning());
}

TEST_CASE("Of a finding for information there is nothing to warn") {
  Json finding = leak_finding();
  finding["severity"] = "info";
  finding["direction"] = nullptr;
  finding["port"] = nullptr;
  const auto document = read_findings(findings_with({finding}).dump());
  CHECK_FALSE(document.has_warning());
  CHECK(document.findings.at(0).direction.empty());
}

TEST_CASE("What a strange server answers is refused, whatever it is") {
  struct Row {
    const char* name;
    std::function<void(Json&)> change;
    std::string problem;
  };
  const auto row = GENERATE(values<Row>({
      {"another version", [](Json& d) { d["version"] = 2; }, "a document of version 2, expected 1"},
      {"a version that is a text", [](Json& d) { d["version"] = "1"; },
       "a document of version \"1\", expected 1"},
      {"no version", [](Json& d) { d.erase("version"); }, "not a document of sockdiag_exporter"},
      {"an array", [](Json& d) { d = Json::array({1}); }, "not a document of sockdiag_exporter"},
      {"no findings", [](Json& d) { d.erase("findings"); }, kLacks},
      {"findings that are a text", [](Json& d) { d["findings"] = "x"; }, kLacks},
      {"findings that are numbers",
       [](Json& d) {
         d["findings"] = {1, 2};
       },
       kLacks},
      {"completeness that is a number", [](Json& d) { d["complete"] = 1; }, kLacks},
      {"unchecked that is null", [](Json& d) { d["unchecked"] = nullptr; }, kLacks},
      {"a severity that nobody knows", [](Json& d) { d["findings"][0]["severity"] = "fatal"; },
       "a document with an unknown severity"},
      {"a title that is null", [](Json& d) { d["findings"][0]["title"] = nullptr; }, kLacks},
      {"a port that is a number", [](Json& d) { d["findings"][0]["port"] = 8080; }, kLacks},
      {"steps that are an object", [](Json& d) { d["findings"][0]["do"] = Json::object(); },
       kLacks},
      {"holders that are a text", [](Json& d) { d["findings"][0]["held_by"] = "init"; }, kLacks},
      {"holders without notes",
       [](Json& d) {
         d["findings"][0]["held_by"] = {{"processes", Json::array()}};
       },
       kLacks},
      {"holders that are numbers",
       [](Json& d) {
         d["findings"][0]["held_by"] = {{"processes", {1}}, {"notes", Json::array()}};
       },
       kLacks},
      {"a command that is missing",
       [](Json& d) { d["findings"][0]["confirm"][0].erase("command"); }, kLacks},
  }));
  CAPTURE(row.name);
  Json document = findings_with({leak_finding()});
  row.change(document);
  CHECK(problem_of([&] { static_cast<void>(read_findings(document.dump())); }) == row.problem);
}

TEST_CASE("Samples that make no sense are refused") {
  struct Row {
    const char* name;
    std::function<void(Json&)> change;
    std::string problem;
  };
  constexpr char kNoCount[] = "a document without a count where one was expected";
  const auto row = GENERATE_REF(values<Row>({
      {"a negative count", [](Json& d) { d["totals"]["close_wait"] = -1; }, kNoCount},
      {"half a socket", [](Json& d) { d["totals"]["close_wait"] = 0.5; }, kNoCount},
      {"more sockets than can be", [](Json& d) { d["totals"]["close_wait"] = 5'000'000'000; },
       kNoCount},
      {"a count that is a text", [](Json& d) { d["ports"][0]["states"]["listen"] = "1"; },
       kNoCount},
      {"a state that is missing", [](Json& d) { d["totals"].erase("listen"); }, kLacks},
      {"a time that is a text", [](Json& d) { d["timestamp"] = "now"; },
       "a document with a text where a number was expected"},
      {"ports that are null", [](Json& d) { d["ports"] = nullptr; }, kLacks},
      {"success that is a text", [](Json& d) { d["sources"][0]["success"] = "yes"; }, kLacks},
  }));
  CAPTURE(row.name);
  Json document = samples_with({port_with("inbound", "80", {{"listen", 1}})});
  CHECK(problem_of([&] { static_cast<void>(read_samples(document.dump())); }) == "no problem");
  row.change(document);
  CHECK(problem_of([&] { static_cast<void>(read_samples(document.dump())); }) == row.problem);
}

TEST_CASE("What is no JSON is refused, however deep or broken") {
  for (const std::string& text :
       {std::string(), std::string("<html>"), std::string("{\"version\":1"), std::string("\xff"),
        std::string(1'000'000, '['), std::string("{\"version\":1}garbage"),
        std::string("{\"version\":1,\"a\":\"\xc3\x28\"}")}) {
    CHECK(problem_of([&] { static_cast<void>(read_findings(text)); }) == "not JSON");
    CHECK(problem_of([&] { static_cast<void>(read_samples(text)); }) == "not JSON");
  }
  CHECK(problem_of([] {
          static_cast<void>(read_documents({"[", "["}, "web-1:80"));
        }) == "web-1:80: the answer is not JSON");
}

TEST_CASE("No text of a document reaches the terminal as it obeys it") {
  Json finding = leak_finding();
  finding["title"] = "\u001b]0;owned\u0007";
  finding["do"][0] = "\u009b2J";
  const auto document = read_findings(findings_with({finding}).dump());
  CHECK(document.findings.at(0).title == "\uFFFD]0;owned\uFFFD");
  CHECK(document.findings.at(0).steps.at(0) == "\uFFFD2J");
}

TEST_CASE("Ports with findings come first, then those in trouble, then the busy ones") {
  auto samples = read_samples(samples_with({port_with("inbound", "1", {{"established", 9000}}),
                                            port_with("inbound", "2", {{"close_wait", 3}}),
                                            port_with("outbound", "8080", {{"close_wait", 30}}),
                                            port_with("inbound", "8080", {{"close_wait", 1}}),
                                            port_with("inbound", "3", Json::object()),
                                            port_with("inbound", "4", {{"time_wait", 9001}})})
                                  .dump());
  sort_ports(samples.ports, read_findings(findings_with({leak_finding()}).dump()));
  CHECK(places_of(samples.ports) == std::vector<std::string>{"inbound 8080", "outbound 8080",
                                                             "inbound 2", "inbound 4",
                                                             "inbound 1"});
}

}  // namespace sockdiag::test
