// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the server says at each path. Safe from any thread.

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "sockdiag/core/reload_status.hpp"
#include "sockdiag/http/http_server.hpp"
#include "sockdiag/pages/exposition.hpp"

namespace sockdiag {

inline constexpr char kHealthPath[] = "/-/healthy";

// The paths there are beside the telemetry path.
inline constexpr std::array<std::string_view, 4> kPages = {"/", kHealthPath, "/-/ready",
                                                           "/-/reload"};

class Pages {
 public:
  struct Options {
    std::string telemetry_path = "/metrics";
    unsigned max_requests = 40;
    // The exporter's and the process's own metrics, rendered for each scrape.
    std::function<std::string()> exporter_text;
    std::function<bool()> is_alive = [] { return true; };  // whether the process is healthy
    std::function<ReloadResult()> reload;  // not set where the lifecycle endpoint is off
  };

  // `board` must outlive it.
  Pages(const Board& board, Options options) : board_(board), options_(std::move(options)) {}

  // Throws what `exporter_text` and `reload` throw.
  [[nodiscard]] HttpResponse answer(const HttpRequest& request);

  // All the metrics as text, as a scrape without compression gets them.
  [[nodiscard]] std::string metrics_text() const;

 private:
  using Page = HttpResponse (Pages::*)(const HttpRequest&);

  [[nodiscard]] Page find(const std::string& path) const;
  [[nodiscard]] HttpResponse landing(const HttpRequest& request);
  [[nodiscard]] HttpResponse metrics(const HttpRequest& request);
  [[nodiscard]] HttpResponse healthy(const HttpRequest& request);
  [[nodiscard]] HttpResponse ready(const HttpRequest& request);
  [[nodiscard]] HttpResponse reload(const HttpRequest& request);

  const Board& board_;
  Options options_;
  std::shared_ptr<std::atomic<unsigned>> scrapes_ = std::make_shared<std::atomic<unsigned>>(0U);
};

}  // namespace sockdiag
