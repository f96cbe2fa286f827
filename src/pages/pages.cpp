// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/pages/pages.hpp"

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "sockdiag/core/version.hpp"
#include "sockdiag/http/accept_encoding.hpp"

namespace sockdiag {
namespace {

constexpr char kReadMethods[] = "GET, HEAD, OPTIONS";
constexpr char kReloadMethods[] = "POST, OPTIONS";
constexpr char kReloadPath[] = "/-/reload";

class CountedScrape {
 public:
  explicit CountedScrape(std::shared_ptr<std::atomic<unsigned>> count)
      : count_(std::move(count)), now_(++*count_) {}
  CountedScrape(const CountedScrape&) = delete;
  CountedScrape& operator=(const CountedScrape&) = delete;
  ~CountedScrape() { --*count_; }
  [[nodiscard]] unsigned now() const noexcept { return now_; }

 private:
  std::shared_ptr<std::atomic<unsigned>> count_;  // an answer may outlive the pages
  unsigned now_;
};

using Parts = std::vector<std::shared_ptr<const TextPart>>;

// What is too old to be shown is left out.
Parts shared_parts(const Board& board) {
  const auto latest = board.latest();
  return latest != nullptr ? latest->parts(std::chrono::steady_clock::now()) : Parts();
}

// Points into the part and keeps it alive.
std::shared_ptr<const std::string> text_of(const std::shared_ptr<const TextPart>& part) {
  return {part, &part->text()};
}

std::shared_ptr<const std::string> deflated_of(const std::shared_ptr<const TextPart>& part) {
  return {part, &part->deflated().bytes};
}

void append_gzip(HttpResponse& response, const Parts& parts) {
  std::vector<const DeflatedPart*> deflated;
  response.headers.emplace_back("Content-Encoding", "gzip");
  response.body.push_back(std::make_shared<const std::string>(gzip_header()));
  for (const auto& part : parts) {
    response.body.push_back(deflated_of(part));
    deflated.push_back(&part->deflated());
  }
  response.body.push_back(std::make_shared<const std::string>(gzip_trailer(deflated)));
}

HttpResponse wrong_method(const char* allowed) {
  HttpResponse response = text_response(405, "method not allowed\n");
  response.headers.emplace_back("Allow", allowed);
  return response;
}

// Balancers and load tests ask so whether a server is there; a path that is not is no error then.
HttpResponse allowed_methods(const char* allowed) { return {204, {}, {{"Allow", allowed}}, {}}; }

}  // namespace

Pages::Page Pages::find(const std::string& path) const {
  if (path == options_.telemetry_path) return &Pages::metrics;
  if (path == "/") return &Pages::landing;
  if (path == kHealthPath) return &Pages::healthy;
  if (path == "/-/ready") return &Pages::ready;
  if (path == kReloadPath && options_.reload) return &Pages::reload;
  return nullptr;
}

HttpResponse Pages::answer(const HttpRequest& request) {
  const Page page = find(request.path);
  const char* allowed = page == &Pages::reload ? kReloadMethods : kReadMethods;
  if (request.method == "OPTIONS") return allowed_methods(allowed);
  if (page == nullptr) return text_response(404, "not found\n");
  if (page == &Pages::reload) {
    return request.method == "POST" ? reload(request) : wrong_method(allowed);
  }
  if (request.method != "GET" && request.method != "HEAD") return wrong_method(allowed);
  return (this->*page)(request);
}

HttpResponse Pages::metrics(const HttpRequest& request) {
  const auto scrape = std::make_shared<const CountedScrape>(scrapes_);
  if (scrape->now() > options_.max_requests) {
    return text_response(503, "too many scrapes at a time\n");
  }
  HttpResponse response{200, "text/plain; version=0.0.4; charset=utf-8", {}, {}, scrape};
  response.headers.emplace_back("Vary", "Accept-Encoding");
  Parts parts = shared_parts(board_);
  parts.push_back(std::make_shared<const TextPart>(options_.exporter_text()));
  if (accepts_gzip(request.header("Accept-Encoding").value_or(""))) {
    append_gzip(response, parts);
  } else {
    for (const auto& part : parts) response.body.push_back(text_of(part));
  }
  return response;
}

std::string Pages::metrics_text() const {
  std::string text;
  for (const auto& part : shared_parts(board_)) text += part->text();
  return text + options_.exporter_text();
}

HttpResponse Pages::landing(const HttpRequest&) {
  const std::string version(build_info().version);
  HttpResponse response = text_response(
      200,
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"
      "<title>sockdiag_exporter</title></head>\n<body>\n<h1>sockdiag_exporter " +
          version +
          "</h1>\n<p>TCP sockets of this host by state, service port and direction.</p>\n<ul>\n"
          "<li><a href=\"" +
          options_.telemetry_path +
          "\">Metrics</a></li>\n<li><a href=\"/-/healthy\">Health</a></li>\n"
          "<li><a href=\"/-/ready\">Readiness</a></li>\n</ul>\n</body>\n</html>\n");
  response.content_type = "text/html; charset=utf-8";
  return response;
}

HttpResponse Pages::healthy(const HttpRequest&) {
  if (options_.is_alive()) return text_response(200, "healthy\n");
  return text_response(503, "sampling hangs\n");
}

HttpResponse Pages::ready(const HttpRequest&) {
  const auto latest = board_.latest();
  if (latest != nullptr && latest->tcp.is_fresh(std::chrono::steady_clock::now())) {
    return text_response(200, "ready\n");
  }
  return text_response(503, "no recent sample\n");
}

HttpResponse Pages::reload(const HttpRequest&) {
  const ReloadResult result = options_.reload();
  if (result.problem) return text_response(500, *result.problem + "\n");
  std::string text = "configuration reloaded\n";
  for (const std::string& line : result.restarts) text += line + "\n";
  return text_response(200, std::move(text));
}

}  // namespace sockdiag
