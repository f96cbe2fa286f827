// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <mutex>
#include <string>
#include <utility>

#include "document_cache.hpp"
#include "responses.hpp"
#include "sockdiag/pages/pages.hpp"
#include "views.hpp"

namespace sockdiag {
namespace {

// Counts a scrape of a client as long as it exists.
class CountedScrape {
 public:
  CountedScrape(std::shared_ptr<ScrapesByClient> scrapes, std::string client)
      : scrapes_(std::move(scrapes)), client_(std::move(client)) {
    const std::lock_guard lock(scrapes_->mutex);
    now_ = ++scrapes_->counts[client_];
  }
  CountedScrape(const CountedScrape&) = delete;
  CountedScrape& operator=(const CountedScrape&) = delete;
  ~CountedScrape() {
    const std::lock_guard lock(scrapes_->mutex);
    const auto count = scrapes_->counts.find(client_);
    if (--count->second == 0) scrapes_->counts.erase(count);
  }
  [[nodiscard]] unsigned now() const noexcept { return now_; }

 private:
  const std::shared_ptr<ScrapesByClient> scrapes_;  // an answer may outlive the pages
  const std::string client_;
  unsigned now_ = 0;
};

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
  documents_->drop_old();  // scrapes are what comes without end
  const auto scrape = std::make_shared<const CountedScrape>(scrapes_, request.client);
  if (scrape->now() > options_.max_requests) {
    return text_response(503, "too many scrapes at a time\n");
  }
  HttpResponse response{200, "text/plain; version=0.0.4; charset=utf-8", {}, {}, scrape};
  response.headers.emplace_back("Vary", "Accept-Encoding");
  set_body(response, request, parts());
  return response;
}

std::string Pages::metrics_text() const {
  std::string text;
  for (const auto& part : parts()) text += part->text();
  return text;
}

}  // namespace sockdiag
