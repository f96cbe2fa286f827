// SPDX-License-Identifier: Apache-2.0
#include <chrono>

#include "sockdiag/pages/pages.hpp"
#include "views.hpp"

namespace sockdiag {
namespace {

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

// Points into the part and keeps it alive.
std::shared_ptr<const std::string> text_of(const std::shared_ptr<const TextPart>& part) {
  return {part, &part->text()};
}

std::shared_ptr<const std::string> deflated_of(const std::shared_ptr<const TextPart>& part) {
  return {part, &part->deflated().bytes};
}

void append_gzip(HttpResponse& response,
                 const std::vector<std::shared_ptr<const TextPart>>& parts) {
  std::vector<const DeflatedPart*> deflated;
  response.headers.emplace_back("Content-Encoding", "gzip");
  response.body.push_back(std::make_shared<const std::string>(gzip_header()));
  for (const auto& part : parts) {
    response.body.push_back(deflated_of(part));
    deflated.push_back(&part->deflated());
  }
  response.body.push_back(std::make_shared<const std::string>(gzip_trailer(deflated)));
}

}  // namespace

// Returns the fresh texts of one publication, and the exporter's own metrics.
Pages::Parts Pages::parts() const {
  const auto latest = board_.latest();
  Parts parts;
  SampleStatuses statuses;
  std::shared_ptr<const Findings> findings = std::make_shared<Findings>();
  if (latest != nullptr) {
    const auto now = std::chrono::steady_clock::now();
    parts = latest->parts(now);
    statuses = latest->samples->statuses;
    findings = View(*latest, now).findings;
  }
  parts.push_back(std::make_shared<const TextPart>(options_.exporter_text(statuses, *findings)));
  return parts;
}

HttpResponse Pages::metrics(const HttpRequest& request) {
  const auto scrape = std::make_shared<const CountedScrape>(scrapes_);
  if (scrape->now() > options_.max_requests) {
    return text_response(503, "too many scrapes at a time\n");
  }
  HttpResponse response{200, "text/plain; version=0.0.4; charset=utf-8", {}, {}, scrape};
  response.headers.emplace_back("Vary", "Accept-Encoding");
  const Parts parts = this->parts();
  if (accepts_gzip(request.header("Accept-Encoding").value_or(""))) {
    append_gzip(response, parts);
  } else {
    for (const auto& part : parts) response.body.push_back(text_of(part));
  }
  return response;
}

std::string Pages::metrics_text() const {
  std::string text;
  for (const auto& part : parts()) text += part->text();
  return text;
}

}  // namespace sockdiag
