// SPDX-License-Identifier: Apache-2.0
#pragma once

// Answers the requests, path by path. Safe from any thread.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sockdiag/core/exporter_state.hpp"
#include "sockdiag/http/http_message.hpp"
#include "sockdiag/pages/exposition.hpp"

namespace sockdiag {

inline constexpr char kHealthPath[] = "/-/healthy";

class DocumentCache;

// How many scrapes of each client are being answered.
struct ScrapesByClient {
  std::mutex mutex;
  std::map<std::string, unsigned> counts{};
};

class Pages {
 public:
  struct Options {
    std::string telemetry_path = "/metrics";
    unsigned max_requests = 40;  // scrapes of one client at a time
    // Renders the metrics of sampling, of findings and of the process. Called for each scrape.
    std::function<std::string(const SampleStatuses&, const Findings&)> exporter_text;
    std::function<bool()> is_alive = [] { return true; };  // returns whether the process is healthy
    std::function<ReloadResult()> reload;                  // empty if the lifecycle endpoint is off
    // What the page says of the exporter. Called for each rendering.
    std::function<ExporterState()> exporter_state = [] { return ExporterState{}; };
    std::function<std::vector<Setting>()> settings = [] { return std::vector<Setting>{}; };
  };

  // `board` must outlive the pages.
  Pages(const Board& board, Options options);
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages();

  // Answers 404 if the path has no page, 405 if the page does not know the method. Throws what
  // the functions of the options throw, or std::bad_alloc.
  [[nodiscard]] HttpResponse answer(const HttpRequest& request);

  // Returns all metrics as text, as a scrape without compression gets them.
  [[nodiscard]] std::string metrics_text() const;

  // Returns the path of each page, the telemetry path first.
  [[nodiscard]] std::vector<std::string> paths() const;

 private:
  struct Route {
    std::string path;
    std::span<const std::string_view> methods;  // OPTIONS besides
    HttpResponse (Pages::*handler)(const HttpRequest&);
  };

  using Parts = std::vector<std::shared_ptr<const TextPart>>;

  [[nodiscard]] Parts parts() const;
  [[nodiscard]] HttpResponse status(const HttpRequest& request);
  [[nodiscard]] HttpResponse style(const HttpRequest& request);
  [[nodiscard]] HttpResponse script(const HttpRequest& request);
  [[nodiscard]] HttpResponse findings(const HttpRequest& request);
  [[nodiscard]] HttpResponse samples(const HttpRequest& request);
  [[nodiscard]] HttpResponse states(const HttpRequest& request);
  [[nodiscard]] HttpResponse metrics(const HttpRequest& request);
  [[nodiscard]] HttpResponse healthy(const HttpRequest& request);
  [[nodiscard]] HttpResponse ready(const HttpRequest& request);
  [[nodiscard]] HttpResponse reload(const HttpRequest& request);

  const Board& board_;
  Options options_;
  std::vector<Route> routes_;
  std::shared_ptr<ScrapesByClient> scrapes_ = std::make_shared<ScrapesByClient>();
  std::unique_ptr<DocumentCache> documents_;
};

}  // namespace sockdiag
