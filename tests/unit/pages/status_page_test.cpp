// SPDX-License-Identifier: Apache-2.0

// The page at /, without a server: an exposition in, markup out.

#include <algorithm>
#include <atomic>
#include <future>

#include "pages/figures.hpp"
#include "pages/html.hpp"
#include "pages/sections.hpp"
#include "scene.hpp"
#include "sockdiag/pages/pages.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using namespace std::chrono_literals;

const std::chrono::system_clock::time_point kTime(Scene::kSampledAt + 90s);

struct Shown {
  ExporterState exporter{};
  std::vector<Setting> settings{};
  std::string telemetry_path = "/metrics";
};

std::string page_of(const Exposition& exposition, Diagnosis::TimePoint now,
                    Language language = Language::english, const Shown& shown = {}) {
  return page_html({View(exposition, now), language, kTime, shown.exporter, shown.settings,
                    shown.telemetry_path});
}

std::string page_of(const Scene& scene, Language language = Language::english,
                    const Shown& shown = {}) {
  return page_of(scene.exposition(), scene.now, language, shown);
}

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// What follows each `begin`, up to the next quotation mark.
std::vector<std::string> values_of(std::string_view page, std::string_view begin) {
  std::vector<std::string> values;
  for (auto at = page.find(begin); at != page.npos; at = page.find(begin, at + 1)) {
    const std::string_view rest = page.substr(at + begin.size());
    values.emplace_back(rest.substr(0, rest.find('"')));
  }
  return values;
}

Finding leak() {
  return {
      FindingId::cw_in_not_closed, Severity::warning, Direction::inbound, 8080, {}, kTime - 11min};
}

}  // namespace

TEST_CASE("Text is escaped as it is filled into a template, and markup is not") {
  CHECK(fill("<p title=\"{a}\">{b}{c}</p>", {{"a", "\"<'&>"}, {"b", Html("<b>1</b>")}, {"c", 7}})
            .text() == "<p title=\"&quot;&lt;&#39;&amp;&gt;\"><b>1</b>7</p>");
  CHECK(fill("{a}", {{"a", "{b}"}, {"b", "x"}}).text() == "{b}");
}

TEST_CASE("Figures read as people write them") {
  CHECK(count_text(1234) == "1234");
  CHECK(count_text(12345) == "12\u202f345");
  CHECK(count_text(1234567) == "1\u202f234\u202f567");
  CHECK(percent_text(0) == "0 %");
  CHECK(percent_text(0.004) == "<1 %");
  CHECK(percent_text(1.008) == "101 %");
  CHECK(bytes_text(999) == "999 B");
  CHECK(bytes_text(1.5 * 1024 * 1024) == "1.5 MiB");
  CHECK(duration_text(250ms, Language::english) == "250 ms");
  CHECK(duration_text(5s, Language::english) == "5 s");
  CHECK(duration_text(119s, Language::english) == "1 min");
  CHECK(duration_text(3h + 5min, Language::english) == "3 h 5 min");
  CHECK(duration_text(24h, Language::english) == "1 d");
  CHECK(duration_text(50h, Language::chinese) == "2 天 2 小时");
  CHECK(clock_text(kTime) == "2023-11-14 22:14:50 UTC");
}

TEST_CASE("A finding is on the page with its advice, and stays the same element") {
  const std::string page = page_of(Scene().finds(leak()));
  const FindingText& text = text_of(FindingId::cw_in_not_closed);
  CHECK_THAT(page, contains_text("<details class=\"finding warning\" "
                                 "id=\"cw_in_not_closed-inbound-8080\">"));
  CHECK_THAT(page, contains_text(escaped(text.title.in(Language::english))));
  CHECK_THAT(page, contains_text(escaped(seen_text(leak(), Language::english))));
  CHECK_THAT(page, contains_text("for 11 min"));
  for (const Text& step : text.steps) {
    CHECK_THAT(page, contains_text(escaped(step.in(Language::english))));
  }
  for (const Confirmation& each : text.confirm) {
    CHECK_THAT(page, contains_text(escaped(command_text(each, leak()))));
  }
  CHECK_THAT(page, contains_text("href=\"" + runbook_url(leak().id) + "\""));
}

TEST_CASE("The page says what it knows, and calls nothing healthy that it does not see") {
  const auto heading = [](const std::string& page) {
    return values_of(page, "<section id=\"findings\" class=\"").at(0);
  };
  CHECK(heading(page_of(Scene())) == "calm");
  CHECK(heading(page_of(Scene().finds(leak()))) == "found");
  CHECK(heading(page_of(Scene().finds({.id = FindingId::blind}))) == "unknown");
  CHECK(heading(page_of(Exposition{}, {})) == "unknown");
  Scene stale;
  stale.is_stale = true;
  CHECK(heading(page_of(stale)) == "unknown");
  CHECK_THAT(page_of(Exposition{}, {}), contains_text("No sample yet"));
  Scene unchecked;
  unchecked.findings.unchecked = {FindingId::orphans};
  CHECK_THAT(page_of(unchecked), contains_text("Not checked"));
}

TEST_CASE("Sockets that linger stand out in the table, and zeros do not") {
  Scene scene;
  scene.tcp.lingering_thresholds.fill(60s);
  scene.sockets(Direction::inbound, 8080, TcpState::close_wait, 412);
  scene.inbound(8080).stays[passing_index_of(TcpState::close_wait)] = {398, 11min};
  const std::string page = page_of(scene);
  CHECK_THAT(page,
             contains_text("<td class=\"pile\">412<small>398 longer than 1 min</small></td>"));
  scene.tcp.unique_cookies = false;
  CHECK_THAT(page_of(scene), contains_text("<td>412</td>"));
}

TEST_CASE("With many ports the busiest are shown, and how many are left out") {
  Scene scene;
  for (std::uint16_t port = 1; port <= 1000; ++port) {
    scene.sockets(Direction::inbound, port, TcpState::established, port);
    scene.listens(port, {1, 128, 0.01});
  }
  const std::string page = page_of(scene);
  CHECK_THAT(page, contains_text("<th scope=\"row\">1000</th>"));
  CHECK_THAT(page, contains_text("<th scope=\"row\">951</th>"));
  CHECK(page.find("<th scope=\"row\">950</th>") == std::string::npos);
  CHECK_THAT(page, contains_text("Left out: 950"));
  CHECK(count_of(page, "<li><span class=\"name\">Accept queue") == kMostPorts);
  CHECK(page.size() < 150'000);
}

TEST_CASE("The trend has a gap where nothing was sampled") {
  Scene scene;
  scene.sockets(Direction::inbound, 80, TcpState::close_wait, 5);
  const Exposition exposition = scene.exposition();
  for (const int back : {100, 99, 50, 0}) {
    Samples samples = *exposition.samples;
    samples.tcp.withdrawn_after = scene.now;
    scene.trend.add(samples, scene.now - back * Trend::kStep);
  }
  const std::string page = page_of(scene);
  const std::string line = values_of(page, "class=\"line\" d=\"").at(0);
  CHECK(count_of(line, "M") == 3);
  CHECK(count_of(line, "L") == 4);
  CHECK_THAT(page, contains_text("now 5, most 5, least 5</desc>"));
}

TEST_CASE("Bars tell their numbers in words, too") {
  Scene scene;
  scene.listens(80, {129, 128, 1.008});
  scene.listeners.ports = {{80, 140, 7}};
  const std::string page = page_of(scene);
  CHECK_THAT(page, contains_text("<b>129</b> of 128 (101 %) · peak 140 · dropped 7"));
  CHECK_THAT(page, contains_text("class=\"bar high\""));
}

TEST_CASE("Destinations are shown by address only where the configuration allows it") {
  Scene scene;
  const std::array<std::uint8_t, 4> address = {192, 0, 2, 1};
  const Destination destination{{}, IpAddress::from_ipv4(address.data()), 443};
  scene.tcp.ephemeral = {.available = 28'232, .busiest = {{destination, 7}}, .ranks = 1};
  CHECK(page_of(scene).find("192.0.2.1") == std::string::npos);
  scene.tcp.ephemeral.export_addresses = true;
  CHECK_THAT(page_of(scene), contains_text("192.0.2.1:443"));
}

TEST_CASE("Values of the configuration are escaped and marked where they were set") {
  Shown shown;
  shown.settings = {{"web.listen_addresses", "<script>", false}, {"log.level", "info", true}};
  const std::string page = page_of(Scene(), Language::english, shown);
  CHECK(page.find("<code><script>") == std::string::npos);
  CHECK_THAT(page, contains_text("<tr class=\"changed\"><th scope=\"row\">"
                                 "<code>web.listen_addresses</code></th>"
                                 "<td><code>&lt;script&gt;</code></td>"));
  CHECK_THAT(page, contains_text("<tr class=\"default\">"));
}

TEST_CASE("The page is in one language, and links to the other") {
  const std::string english = page_of(Scene().finds(leak()));
  const std::string chinese = page_of(Scene().finds(leak()), Language::chinese);
  CHECK_THAT(english, contains_text("<html lang=\"en\">"));
  CHECK_THAT(english, contains_text("<a href=\"?lang=zh-CN\" hreflang=\"zh-CN\" lang=\"zh-CN\">"));
  CHECK_THAT(chinese, contains_text("<html lang=\"zh-CN\">"));
  CHECK_THAT(chinese, contains_text("<a href=\"?lang=en\" hreflang=\"en\" lang=\"en\">"));
  CHECK_THAT(chinese, contains_text("服务未调用"));
}

TEST_CASE("Nothing on the page is inline style or script, or from elsewhere") {
  const std::string page = page_of(Scene().finds(leak()));
  CHECK(count_of(page, "<script") == 1);
  CHECK(values_of(page, " src=\"") == std::vector<std::string>{"page.js"});
  for (const char* inline_code : {"<style", " style=", " onload=", " onclick=", "javascript:"}) {
    CHECK(count_of(page, inline_code) == 0);
  }
  for (const std::string& link : values_of(page, "<link rel=\"stylesheet\" href=\"")) {
    CHECK(link == "page.css");
  }
}

TEST_CASE("Identifiers are there once, and every label and link names one") {
  Scene scene;
  scene.finds(leak()).finds({.id = FindingId::orphans});
  scene.sockets(Direction::inbound, 80, TcpState::close_wait, 5);
  scene.trend.add(*scene.exposition().samples, scene.now);
  Shown shown;
  shown.settings = {{"log.level", "info", true}};
  const std::string page = page_of(scene, Language::english, shown);
  std::vector<std::string> ids = values_of(page, " id=\"");
  std::ranges::sort(ids);
  CHECK(std::ranges::adjacent_find(ids) == ids.end());
  for (const char* reference : {"aria-labelledby=\"", "href=\"#"}) {
    for (const std::string& value : values_of(page, reference)) {
      const std::string first = value.substr(0, value.find(' '));
      CAPTURE(first);
      CHECK(std::ranges::binary_search(ids, first));
    }
  }
}

namespace {

// Pages with a board of their own, which count how often the page is rendered.
class Site {
 public:
  Site() {
    Pages::Options options;
    options.exporter_text = [](const SampleStatuses&, const Findings&) { return std::string(); };
    options.settings = [this] {
      ++renderings;
      return std::vector<Setting>{};
    };
    pages = std::make_unique<Pages>(board, std::move(options));
  }

  HttpResponse get(const std::string& path, const HttpHeaders& headers = {},
                   const std::string& query = "") {
    return pages->answer({"GET", path, headers, query});
  }
  void publish() { board.publish(std::make_shared<const Exposition>(Scene().exposition())); }

  Board board;
  std::atomic<int> renderings = 0;
  std::unique_ptr<Pages> pages;
};

std::string header_of(const HttpResponse& response, std::string_view name) {
  return HttpRequest{"", "", response.headers}.header(name).value_or("");
}

std::string body_of(const HttpResponse& response) {
  std::string body;
  for (const auto& part : response.body) body += *part;
  return body;
}

}  // namespace

TEST_CASE("Any number of clients cost one rendering for each publication and language") {
  Site site;
  site.publish();
  std::vector<std::future<HttpResponse>> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(std::async(std::launch::async, [&] { return site.get("/"); }));
  }
  const auto first = site.get("/").body.front();
  for (auto& client : clients) CHECK(client.get().body.front() == first);
  CHECK(site.renderings == 1);
  static_cast<void>(site.get("/", {}, "lang=zh-CN"));
  CHECK(site.renderings == 2);
  site.publish();
  static_cast<void>(site.get("/"));
  CHECK(site.renderings == 3);
}

TEST_CASE("A client that has the document already gets 304 without a body") {
  const auto path = GENERATE(as<std::string>(), "/", "/page.css", "/page.js", "/api/v1/findings",
                             "/api/v1/samples", "/api/v1/states");
  CAPTURE(path);
  Site site;
  site.publish();
  const HttpResponse full = site.get(path);
  const std::string etag = header_of(full, "ETag");
  CHECK(full.status == 200);
  CHECK(etag.starts_with("W/\""));
  CHECK(header_of(full, "Cache-Control") == "no-cache");
  CHECK(header_of(full, "Vary") == "Accept-Encoding, Accept-Language");
  const HttpResponse again = site.get(path, {{"If-None-Match", "\"x\", " + etag}});
  CHECK(again.status == 304);
  CHECK(again.body.empty());
  CHECK(header_of(again, "ETag") == etag);
  CHECK(site.get(path, {{"If-None-Match", "\"x\""}}).status == 200);
}

TEST_CASE("A document that changes has another tag") {
  Site site;
  const std::string before = header_of(site.get("/api/v1/findings"), "ETag");
  site.publish();
  CHECK(header_of(site.get("/api/v1/findings"), "ETag") != before);
}

TEST_CASE("The language is the query's, or the client's, or English") {
  struct Row {
    const char* query;
    const char* accept;
    const char* language;
  };
  const auto row = GENERATE(values<Row>({
      {"", "", "en"},
      {"", "zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"},
      {"lang=en", "zh-CN", "en"},
      {"lang=zh-CN", "en", "zh-CN"},
      {"lang=fr", "zh-CN", "zh-CN"},
      {"lang=%zz", "", "en"},
      {"lang=", "", "en"},
      {"x=1&lang=zh", "", "zh-CN"},
  }));
  CAPTURE(row.query, row.accept);
  Site site;
  const HttpHeaders headers = {{"Accept-Language", row.accept}};
  CHECK_THAT(body_of(site.get("/", headers, row.query)),
             contains_text(std::string("<html lang=\"") + row.language + "\">"));
  for (const char* path : {"/api/v1/findings", "/api/v1/states"}) {
    CHECK(Json::parse(body_of(site.get(path, headers, row.query)))["language"] == row.language);
  }
}

TEST_CASE("The page forbids what it does not need") {
  Site site;
  const HttpResponse page = site.get("/");
  const std::string policy = header_of(page, "Content-Security-Policy");
  CHECK_THAT(policy, contains_text("default-src 'none'"));
  CHECK(policy.find("unsafe") == std::string::npos);
  CHECK(header_of(page, "Referrer-Policy") == "no-referrer");
}

TEST_CASE("Documents are compressed for those who can read that") {
  Site site;
  const HttpResponse compressed = site.get("/", {{"Accept-Encoding", "gzip"}});
  CHECK(header_of(compressed, "Content-Encoding") == "gzip");
  CHECK(body_of(compressed).size() < body_of(site.get("/")).size());
}

}  // namespace sockdiag::test
