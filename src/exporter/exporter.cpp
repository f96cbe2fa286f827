// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/exporter/exporter.hpp"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "sockdiag/exporter/http_server.hpp"
#include "sockdiag/exporter/log.hpp"
#include "sockdiag/exporter/metric_families.hpp"
#include "sockdiag/exporter/pages.hpp"
#include "sockdiag/exporter/reloader.hpp"
#include "sockdiag/exporter/sampler.hpp"
#include "sockdiag/exporter/version.hpp"

namespace sockdiag {
namespace {

HttpServer::Options server_options(const Configuration::Web& web) {
  HttpServer::Options options;
  for (const std::string& text : web.listen_addresses) {
    options.addresses.push_back(parse_listen_address(text).value());
  }
  options.workers = web.workers;
  options.request_timeout = web.request_timeout;
  return options;
}

void log_build() {
  const BuildInfo build = build_info();
  spdlog::info("sockdiag_exporter {} (revision {}, {})", build.version, build.revision,
               build.compiler);
}

}  // namespace

class Exporter::Parts {
 public:
  Parts(const Configuration& configuration, std::function<Configuration()> load)
      : start_time_(read_process_start_time()),
        reloader_(configuration, std::move(load), [this](const Configuration& c) { apply(c); }),
        pages_(board_, page_options(configuration.web)),
        sampler_(kernel_sampling(configuration, board_), configuration),
        server_(server_options(configuration.web),
                [this](const HttpRequest& request) { return pages_.answer(request); }) {
    for (const ListenAddress& address : server_.addresses()) {
      spdlog::info("listening on http://{}{}", to_string(address),
                   configuration.web.telemetry_path);
    }
  }

  Reloader& reloader() noexcept { return reloader_; }

 private:
  void apply(const Configuration& configuration) {
    sampler_.configure(configuration);
    set_log_level(configuration.log.level);
  }

  Pages::Options page_options(const Configuration::Web& web) {
    Pages::Options options;
    options.telemetry_path = web.telemetry_path;
    options.max_requests = web.max_requests;
    options.exporter_text = [this] {
      return render(ExporterState{reloader_.status(), read_process_stats(), start_time_});
    };
    if (web.enable_lifecycle) options.reload = [this] { return reloader_.reload(); };
    return options;
  }

  std::optional<double> start_time_;
  Board board_;
  Reloader reloader_;
  Pages pages_;
  Sampler sampler_;
  HttpServer server_;  // last: what it calls is there before it and after it
};

Exporter::Exporter(const Configuration& configuration, std::function<Configuration()> load) {
  log_build();
  parts_ = std::make_unique<Parts>(configuration, std::move(load));
}

Exporter::~Exporter() = default;

void Exporter::reload() { parts_->reloader().reload(); }

std::optional<std::string> sample_once(const Configuration& configuration) {
  Board board;
  Sampling sampling = kernel_sampling(configuration, board);
  sampling.attempt_all(configuration);
  if (!sampling.status(SampleSource::tcp).success) return std::nullopt;
  const ReloadStatus loaded{true, std::chrono::system_clock::now()};
  Pages::Options options;
  options.exporter_text = [&] {
    return render(ExporterState{loaded, read_process_stats(), read_process_start_time()});
  };
  return Pages(board, std::move(options)).metrics_text();
}

}  // namespace sockdiag
