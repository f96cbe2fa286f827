// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/service/exporter.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include "liveness.hpp"
#include "readiness.hpp"
#include "reloader.hpp"
#include "requested_task.hpp"
#include "service_manager.hpp"
#include "sockdiag/core/version.hpp"
#include "sockdiag/http/http_server.hpp"
#include "sockdiag/metrics/metric_families.hpp"
#include "sockdiag/pages/pages.hpp"
#include "sockdiag/pages/request_counter.hpp"
#include "sockdiag/procfs/process_stats.hpp"
#include "sockdiag/sampling/sampler.hpp"
#include "sockdiag/service/log.hpp"
#include "thread_problem.hpp"
#include "web_file.hpp"

namespace sockdiag {
namespace {

HttpServer::Options server_options(const Configuration::Web& web,
                                   std::vector<ListenAddress> addresses, RequestCounter& requests,
                                   RefusedCounter& refused, const WebFile* file) {
  HttpServer::Options options;
  options.addresses = std::move(addresses);
  options.workers = web.workers;
  options.request_timeout = web.request_timeout;
  if (file != nullptr) options.security = file->security();
  options.max_connections_per_client = web.max_connections_per_client;
  for (const std::string& text : web.allow) options.allowed.push_back(*parse_network(text));
  options.on_answer = [&](std::string_view path, int status) { requests.count(path, status); };
  options.on_refused = [&](Refused why) { refused.count(why); };
  return options;
}

void log_build() {
  const BuildInfo build = build_info();
  spdlog::info("sockdiag_exporter {} (revision {}, {})", build.version, build.revision,
               build.compiler);
}

Sampling kernel_sampling(const HostPaths& paths, Publisher& publisher) {
  return {kernel_sources(paths),
          [&](std::shared_ptr<const Samples> samples) { publisher.publish(std::move(samples)); }};
}

}  // namespace

class Exporter::Parts {
 public:
  Parts(const Configuration& configuration, std::vector<ListenAddress> addresses,
        std::function<Configuration()> load)
      : start_time_(read_process_start_time()),
        liveness_(watchdog()),
        reloader_(configuration, std::move(load), [this](const Configuration& c) { apply(c); }),
        web_file_(web_file(configuration.web)),
        publisher_(board_, configuration.metrics.exclude, finding_policy_of(configuration)),
        pages_(board_, page_options(configuration.web)),
        requests_(pages_.paths()),
        sampler_(kernel_sampling(configuration.path, publisher_), policies_of(configuration),
                 iteration_listener()),
        reloading_([this] { static_cast<void>(reload()); }),
        server_(server_options(configuration.web, std::move(addresses), requests_, refused_,
                               web_file_.get()),
                [this](const HttpRequest& request) { return pages_.answer(request); }) {
    const bool tls = web_file_ != nullptr && web_file_->security()->has_tls();
    for (const ListenAddress& address : server_.addresses()) {
      spdlog::info("listening on {}", to_url(address, configuration.web.telemetry_path, tls));
    }
    if (web_file_ != nullptr) watch_.emplace(*web_file_, [this] { reload_web_file(); });
    readiness_.listening();
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts() { readiness_.stopping(); }

  void request_reload() { reloading_.request(); }

 private:
  ReloadResult reload() {
    return readiness_.announce([this] { return reloader_.reload(); });
  }

  static std::unique_ptr<WebFile> web_file(const Configuration::Web& web) {
    constexpr unsigned kWorkersPerLogin = 4;
    if (web.config_file.empty()) return nullptr;
    WebSecurity::Options options;
    options.logins_at_once = std::max(web.workers / kWorkersPerLogin, 1U);
    if (web.health_without_login) options.open_paths.emplace_back(kHealthPath);
    return std::make_unique<WebFile>(web.config_file, std::move(options));
  }

  void reload_web_file() {
    reloader_.reload_web([this] { web_file_->reload(); });
  }

  // Called on the sampler's thread, also before the server starts and after it ends.
  IterationListener iteration_listener() {
    const auto on_iteration = [this] {
      readiness_.sampled();
      liveness_.beat(Liveness::TimePoint::clock::now());
    };
    return {on_iteration, liveness_.beat_interval()};
  }

  static std::optional<Liveness::Watchdog> watchdog() {
    const auto period = service_manager::watchdog_period();
    if (!period) return std::nullopt;
    return Liveness::Watchdog{*period, [] { service_manager::feed_watchdog(); }};
  }

  // The web configuration comes first, since it alone may throw.
  void apply(const Configuration& configuration) {
    if (web_file_ != nullptr) web_file_->reload();
    publisher_.configure(configuration.metrics.exclude, finding_policy_of(configuration));
    sampler_.configure(policies_of(configuration));
    set_log_level(configuration.log.level);
  }

  [[nodiscard]] ExporterState state() const {
    return {reloader_.status(), read_process_stats(), start_time_, requests_.counts(),
            refused_.counts()};
  }

  Pages::Options page_options(const Configuration::Web& web) {
    Pages::Options options;
    options.telemetry_path = web.telemetry_path;
    options.max_requests = web.max_requests;
    options.is_alive = [this] { return liveness_.is_alive(Liveness::TimePoint::clock::now()); };
    options.exporter_text = [this](const SampleStatuses& statuses, const Findings& findings) {
      const FamilyPatterns excluded = publisher_.excluded();
      return render(findings, excluded) + render(statuses, excluded) + render(state(), excluded);
    };
    options.exporter_state = [this] { return state(); };
    options.settings = [this] { return reloader_.settings(); };
    if (web.enable_lifecycle) options.reload = [this] { return reload(); };
    return options;
  }

  std::optional<double> start_time_;
  Readiness readiness_;
  Board board_;
  Liveness liveness_;
  Reloader reloader_;
  std::unique_ptr<WebFile> web_file_;  // null without a web configuration
  Publisher publisher_;
  Pages pages_;
  RequestCounter requests_;
  RefusedCounter refused_;
  Sampler sampler_;
  RequestedTask reloading_;
  HttpServer server_;  // uses the others
  std::optional<WebFileWatch> watch_;
};

std::vector<ListenAddress> resolve_listen_addresses(const Configuration& configuration) {
  std::vector<ListenAddress> addresses;
  for (const std::string& text : configuration.web.listen_addresses) {
    for (ListenAddress& each : resolve_listen_address(text)) addresses.push_back(std::move(each));
  }
  return addresses;
}

Exporter::Exporter(const Configuration& configuration, std::vector<ListenAddress> addresses,
                   std::function<Configuration()> load) {
  log_build();
  try {
    parts_ = std::make_unique<Parts>(configuration, std::move(addresses), std::move(load));
  } catch (const std::system_error& error) {
    throw ServeError("cannot start a thread: " + thread_problem(error));
  }
}

Exporter::~Exporter() = default;

void Exporter::request_reload() { parts_->request_reload(); }

}  // namespace sockdiag
