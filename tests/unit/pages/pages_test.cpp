// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/pages/pages.hpp"

#include <future>
#include <stdexcept>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<const Exposition> exposition(std::chrono::seconds fresh_for) {
  auto result = std::make_shared<Exposition>();
  result->tcp = {std::make_shared<const TextPart>("sockets 1\n"),
                 std::chrono::steady_clock::now() + fresh_for};
  Samples samples;
  samples.statuses = {{.source = "tcp"}};
  result->samples = std::make_shared<const Samples>(std::move(samples));
  return result;
}

std::string body_of(const HttpResponse& response) {
  std::string body;
  for (const auto& part : response.body) body += *part;
  return body;
}

std::optional<std::string> header(const HttpResponse& response, const std::string& name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return std::nullopt;
}

class Site {
 public:
  Site() {
    options_.exporter_text = [](const SampleStatuses& statuses, const Findings&) {
      return std::string(statuses.empty() ? "" : "status 1\n") + "own 1\n";
    };
  }

  Board board;

  Site& with_reload(const ReloadResult& result) {
    options_.reload = [result] { return result; };
    return *this;
  }
  Pages pages() { return {board, options_}; }
  HttpResponse get(const std::string& path, const std::string& method = "GET") {
    Pages site{board, options_};
    return site.answer({method, path});
  }
  Pages::Options& options() { return options_; }

 private:
  Pages::Options options_;
};

}  // namespace

TEST_CASE("Paths and methods are answered exactly") {
  struct Row {
    const char* method;
    const char* path;
    int status;
    std::optional<std::string> allow;
  };
  const auto row = GENERATE(values<Row>({
      {"GET", "/metrics", 200, {}},
      {"HEAD", "/metrics", 200, {}},
      {"POST", "/metrics", 405, "GET, HEAD, OPTIONS"},
      {"OPTIONS", "/metrics", 204, "GET, HEAD, OPTIONS"},
      {"OPTIONS", "/-/ready", 204, "GET, HEAD, OPTIONS"},
      {"OPTIONS", "/-/reload", 204, "POST, OPTIONS"},
      {"OPTIONS", "/nowhere", 204, "GET, HEAD, OPTIONS"},
      {"OPTIONS", "*", 204, "GET, HEAD, OPTIONS"},
      {"get", "/metrics", 405, "GET, HEAD, OPTIONS"},
      {"GET", "/", 200, {}},
      {"DELETE", "/", 405, "GET, HEAD, OPTIONS"},
      {"HEAD", "/api/v1/findings", 200, {}},
      {"POST", "/api/v1/samples", 405, "GET, HEAD, OPTIONS"},
      {"GET", "/api/v1/", 404, {}},
      {"GET", "/api/v2/findings", 404, {}},
      {"GET", "/-/healthy", 200, {}},
      {"PUT", "/-/healthy", 405, "GET, HEAD, OPTIONS"},
      {"GET", "/-/ready", 200, {}},
      {"POST", "/-/reload", 200, {}},
      {"GET", "/-/reload", 405, "POST, OPTIONS"},
      {"GET", "/metricsfoo", 404, {}},
      {"GET", "/metrics/", 404, {}},
      {"GET", "/Metrics", 404, {}},
      {"GET", "", 404, {}},
      {"POST", "/nowhere", 404, {}},
  }));
  CAPTURE(row.method, row.path);
  Site site;
  site.with_reload({});
  site.board.publish(exposition(60s));
  const auto response = site.get(row.path, row.method);
  CHECK(response.status == row.status);
  CHECK(header(response, "Allow") == row.allow);
}

TEST_CASE("Each path that is listed has a page, and the reload only where it is on") {
  Site site;
  CHECK(site.pages().paths() ==
        std::vector<std::string>{"/metrics", "/", "/page.css", "/page.js", "/api/v1/findings",
                                 "/api/v1/samples", "/api/v1/states", "/-/healthy", "/-/ready"});
  site.with_reload({});
  CHECK(site.pages().paths().back() == "/-/reload");
  for (const std::string& path : site.pages().paths()) CHECK(site.get(path).status != 404);
}

TEST_CASE("A scrape holds the sample, the status and the exporter's own metrics") {
  Site site;
  site.board.publish(exposition(60s));
  const auto response = site.get("/metrics");
  CHECK(body_of(response) == "sockets 1\nstatus 1\nown 1\n");
  CHECK(response.content_type == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(header(response, "Vary") == "Accept-Encoding");
  CHECK(site.pages().metrics_text() == body_of(response));
}

TEST_CASE("Before the first sample and after it went stale there are no sockets to be seen") {
  Site site;
  CHECK(body_of(site.get("/metrics")) == "own 1\n");
  CHECK(site.get("/-/ready").status == 503);
  site.board.publish(exposition(-1s));
  CHECK(body_of(site.get("/metrics")) == "status 1\nown 1\n");
  CHECK(site.get("/-/ready").status == 503);
  site.board.publish(exposition(60s));
  CHECK(site.get("/-/ready").status == 200);
  CHECK(site.get("/-/healthy").status == 200);
}

TEST_CASE("An exporter that hangs is not healthy") {
  Site site;
  site.options().is_alive = [] { return false; };
  const auto response = site.get("/-/healthy");
  CHECK(response.status == 503);
  CHECK(body_of(response) == "sampling hangs\n");
}

TEST_CASE("A reload that is off is no path, one that fails says why") {
  CHECK(Site().get("/-/reload", "POST").status == 404);
  const auto failed = Site().with_reload({"f.yml:1:2: bad", {}}).get("/-/reload", "POST");
  CHECK(failed.status == 500);
  CHECK(body_of(failed) == "f.yml:1:2: bad\n");
}

TEST_CASE("A reload says which keys need a restart") {
  const auto good = Site().with_reload({}).get("/-/reload", "POST");
  CHECK(body_of(good) == "configuration reloaded\n");
  const ReloadResult with_restarts{std::nullopt, {"a: 1 needs a restart", "b: 2 needs a restart"}};
  const auto partly = Site().with_reload(with_restarts).get("/-/reload", "POST");
  CHECK(partly.status == 200);
  CHECK(body_of(partly) == "configuration reloaded\na: 1 needs a restart\nb: 2 needs a restart\n");
}

TEST_CASE("A custom telemetry path replaces the usual one and is linked") {
  Site site;
  site.options().telemetry_path = "/custom";
  CHECK(site.get("/metrics").status == 404);
  CHECK(site.get("/custom").status == 200);
  CHECK_THAT(body_of(site.get("/")), contains_text("href=\"custom\""));
}

TEST_CASE("Compressed scrapes say so") {
  Site site;
  site.board.publish(exposition(60s));
  const auto response = site.pages().answer({"GET", "/metrics", {{"Accept-Encoding", "gzip"}}});
  CHECK(header(response, "Content-Encoding") == "gzip");
  CHECK(body_of(response).starts_with("\x1f\x8b"));
  const HttpRequest refusing{"GET", "/metrics", {{"Accept-Encoding", "gzip;q=0"}}};
  CHECK_FALSE(header(site.pages().answer(refusing), "Content-Encoding"));
}

TEST_CASE("More scrapes at a time than allowed get 503, and the next one is answered") {
  Site site;
  std::promise<void> inside;
  std::promise<void> go_on;
  bool first = true;
  site.options().max_requests = 1;
  site.options().exporter_text = [&](const SampleStatuses&, const Findings&) {
    if (std::exchange(first, false)) {
      inside.set_value();
      go_on.get_future().wait();
    }
    return std::string("own 1\n");
  };
  Pages pages = site.pages();
  auto slow = std::async(std::launch::async, [&] { return pages.answer({"GET", "/metrics", {}}); });
  inside.get_future().wait();
  CHECK(pages.answer({"GET", "/metrics", {}}).status == 503);
  CHECK(pages.answer({"GET", "/-/healthy", {}}).status == 200);
  go_on.set_value();
  CHECK(slow.get().status == 200);
  CHECK(pages.answer({"GET", "/metrics", {}}).status == 200);
}

TEST_CASE("A scrape counts until its answer has been sent") {
  Site site;
  site.options().max_requests = 1;
  Pages pages = site.pages();
  {
    const HttpResponse being_sent = pages.answer({"GET", "/metrics", {}});
    CHECK(being_sent.status == 200);
    CHECK(pages.answer({"GET", "/metrics", {}}).status == 503);
    HttpRequest of_another{"GET", "/metrics"};
    of_another.client = "192.0.2.1";
    CHECK(pages.answer(of_another).status == 200);
  }
  CHECK(pages.answer({"GET", "/metrics", {}}).status == 200);
}

TEST_CASE("A collector that throws does not count as a scrape for ever") {
  Site site;
  site.options().max_requests = 1;
  bool broken = true;
  site.options().exporter_text = [&](const SampleStatuses&, const Findings&) -> std::string {
    if (broken) throw std::runtime_error("broken");
    return "own 1\n";
  };
  Pages pages = site.pages();
  CHECK_THROWS(pages.answer({"GET", "/metrics", {}}));
  broken = false;
  CHECK(pages.answer({"GET", "/metrics", {}}).status == 200);
}

}  // namespace sockdiag::test
