// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/pages/json.hpp"

#include "scene.hpp"
#include "sockdiag/diagnosis/finding_texts.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

const std::chrono::system_clock::time_point kSince(std::chrono::milliseconds(1'700'000'000'500));

Finding leak() {
  return {FindingId::cw_in_not_closed,
          Severity::warning,
          Direction::inbound,
          8080,
          {{"sockets", 412}, {"oldest_seconds", 655.25}},
          kSince};
}

}  // namespace

TEST_CASE("A finding is told with its numbers, times and advice") {
  const Json document = Scene().finds(leak()).findings_document();
  CHECK(document["version"] == 1);
  CHECK(document["language"] == "en");
  CHECK(document["timestamp"] == 1'700'000'000.0);
  CHECK(document["complete"] == true);
  REQUIRE(document["findings"].size() == 1);
  const Json& finding = document["findings"][0];
  CHECK(finding["finding"] == "cw_in_not_closed");
  CHECK(finding["severity"] == "warning");
  CHECK(finding["direction"] == "inbound");
  CHECK(finding["port"] == "8080");
  CHECK(finding["since"] == 1'700'000'000.5);
  CHECK(finding["seen"].dump() == R"({"oldest_seconds":655.25,"sockets":412})");
  CHECK(finding["text"] == seen_text(leak(), Language::english));
  CHECK(finding["runbook"] == runbook_url(FindingId::cw_in_not_closed));
}

TEST_CASE("The advice of every finding is in its document, in both languages") {
  for (const Language language : kLanguages) {
    for (std::size_t i = 0; i < kFindingCount; ++i) {
      const auto id = static_cast<FindingId>(i);
      const FindingText& text = text_of(id);
      const Json document = Scene().finds({.id = id}).findings_document(language);
      const Json& finding = document["findings"][0];
      CAPTURE(name_of(id));
      CHECK(document["language"] == tag_of(language));
      CHECK(finding["title"] == text.title.in(language));
      CHECK(finding["meaning"] == text.meaning.in(language));
      CHECK(finding["do"].size() == text.steps.size());
      CHECK(finding["do_not"].size() == text.avoid.size());
      CHECK(finding["confirm"].size() == text.confirm.size());
      CHECK(finding["unlike"].size() == text.unlike.size());
    }
  }
}

TEST_CASE(
    "A finding about the whole host has no port, one about the rest of the ports says other") {
  Finding rest = leak();
  rest.port = 0;
  const Json document = Scene().finds({.id = FindingId::orphans}).finds(rest).findings_document();
  CHECK(document["findings"][0]["port"].is_null());
  CHECK(document["findings"][0]["direction"].is_null());
  CHECK(document["findings"][1]["port"] == "other");
}

TEST_CASE("What cannot be seen is not called healthy") {
  CHECK(Scene().finds({.id = FindingId::blind}).findings_document()["complete"] == false);
  const Json before = Json::parse(findings_json({}, {}, Language::english));
  CHECK(before["complete"] == false);
  CHECK(before["timestamp"].is_null());
  CHECK(before["findings"].empty());
  Scene stale;
  stale.is_stale = true;
  CHECK(stale.findings_document()["complete"] == false);
}

TEST_CASE("Findings that were not looked for are named") {
  Scene scene;
  scene.findings.unchecked = {FindingId::orphans, FindingId::tcp_memory};
  CHECK(scene.findings_document()["unchecked"] == Json({"orphans", "tcp_memory"}));
}

TEST_CASE("Samples are told port by port, with all states and their sum") {
  Scene scene;
  scene.sockets(Direction::inbound, 8080, TcpState::close_wait, 3);
  scene.sockets(Direction::outbound, 0, TcpState::established, 2);
  const Json document = scene.samples_document();
  CHECK(document["totals"].size() == kTcpStateCount);
  CHECK(document["totals"]["close_wait"] == 3);
  CHECK(document["totals"]["established"] == 2);
  const Json& ports = document["ports"];
  REQUIRE(ports.size() == 3);  // 8080, and the rest of each direction
  CHECK(ports[0]["direction"] == "inbound");
  CHECK(ports[0]["port"] == "8080");
  CHECK(ports[0]["states"]["close_wait"] == 3);
  CHECK(ports[0]["lingering"].size() == kPassingStateCount);
  CHECK(ports[0]["accept_queue"].is_null());
  CHECK(ports[2]["port"] == "other");
  CHECK(ports[2]["states"]["established"] == 2);
}

TEST_CASE("A listener's accept queue has what its polls saw") {
  Scene scene;
  scene.listens(80, {3, 128, 0.0234375});
  scene.listeners.ports = {{80, 17, 4}};
  CHECK(
      scene.samples_document()["ports"][0]["accept_queue"] ==
      Json(
          {{"length", 3}, {"limit", 128}, {"peak", 17}, {"utilization", 0.0234375}, {"drops", 4}}));
  scene.listeners.ports.clear();
  const Json queue = scene.samples_document()["ports"][0]["accept_queue"];
  CHECK(queue["length"] == 3);
  CHECK(queue["peak"].is_null());
  CHECK(queue["drops"].is_null());
}

TEST_CASE("Ages that cannot be known are null") {
  Scene scene;
  scene.tcp.unique_cookies = false;
  const Json port = scene.samples_document()["ports"][0];
  for (const char* member : {"lingering", "oldest_seconds", "time_wait_started"}) {
    CHECK(port[member].is_null());
  }
}

TEST_CASE("Addresses of destinations are told only where the configuration allows it") {
  Scene scene;
  const std::array<std::uint8_t, 4> address = {192, 0, 2, 1};
  const Destination destination{{}, IpAddress::from_ipv4(address.data()), 443};
  scene.tcp.ephemeral = {.available = 28'232, .busiest = {{destination, 7}}, .ranks = 1};
  CHECK(scene.samples_document()["ephemeral_ports"]["busiest"] ==
        Json::parse(R"([{"rank":1,"used":7}])"));
  scene.tcp.ephemeral.export_addresses = true;
  CHECK(scene.samples_document()["ephemeral_ports"]["busiest"][0]["destination"] ==
        "192.0.2.1:443");
}

TEST_CASE("Samples that are too old are left out, and the document stays whole") {
  Scene scene;
  scene.sockets(Direction::inbound, 80, TcpState::listen, 1);
  scene.kernel.values[0] = 5;
  CHECK(scene.samples_document()["kernel"]["sockdiag_tcp_listen_overflows_total"] == 5);
  scene.is_stale = true;
  const Json document = scene.samples_document();
  CHECK(document["totals"].is_null());
  CHECK(document["ports"].empty());
  CHECK(document["kernel"]["sockdiag_tcp_listen_overflows_total"].is_null());
  CHECK(document["sources"].size() == 3);
  CHECK(Json::parse(samples_json({}, {}))["sources"].empty());
}

TEST_CASE("Bytes that are no UTF-8 do not break a document") {
  Finding odd = leak();
  odd.seen = {{"odd_\xff", 1}};
  CHECK(Scene().finds(odd).findings_document()["findings"][0]["seen"].contains("odd_\xEF\xBF\xBD"));
}

TEST_CASE("Each state is explained, in both languages") {
  for (const Language language : kLanguages) {
    const Json document = Json::parse(states_json(language));
    CHECK(document["version"] == 1);
    CHECK(document["language"] == tag_of(language));
    REQUIRE(document["states"].size() == state_texts().size());
    CHECK(document["states"][0]["meaning"] == state_texts()[0].meaning.in(language));
  }
}

}  // namespace sockdiag::test
