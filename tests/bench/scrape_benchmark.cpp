// SPDX-License-Identifier: Apache-2.0
// What a scrape costs those who ask: under 50 concurrent connections, and beside idle ones; see
// README.md.
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "exporter_process.hpp"
#include "file_descriptor.hpp"
#include "host.hpp"
#include "http_client.hpp"
#include "json.hpp"
#include "statistics.hpp"
#include "wrk.hpp"

namespace sockdiag::bench {
namespace {

constexpr unsigned kFirstPort = 20'000;
constexpr int kScrapes = 20;

// A port that is always tracked has 11 states, two queues, and three series of its accept queue.
constexpr std::size_t kSeriesPerInboundPort = 16;
constexpr std::size_t kSeriesWithoutPorts = 70;

std::string configuration(std::size_t series) {
  const std::size_t ports = (series - kSeriesWithoutPorts) / kSeriesPerInboundPort;
  std::string list;
  for (std::size_t i = 0; i < ports; ++i) {
    list.append(i == 0 ? "" : ", ").append(std::to_string(kFirstPort + i));
  }
  return "ports:\n  inbound: [" + list + "]\n  max_ports: " + std::to_string(ports + 10) + "\n";
}

JsonObject wrk_row(const ExporterProcess& exporter, const Arguments& arguments,
                   const std::string& header) {
  const auto seconds = static_cast<unsigned>(arguments.number("--seconds", 5));
  const WrkResult result =
      run_wrk(exporter.port(), seconds, arguments.text("--wrk-script", "wrk_report.lua"), header);
  const double rate = result.requests / result.duration;
  const char* coding = header.empty() ? "identity" : "gzip";
  std::printf(
      "  50 connections, %-9s p50 %6.2f ms  p99 %6.2f ms  max %6.2f ms  %7.0f requests/s"
      "  socket errors %.0f  not 200: %.0f of %.0f\n",
      coding, result.p50 * 1e3, result.p99 * 1e3, result.max * 1e3, rate, result.socket_errors,
      result.other_status, result.requests);
  JsonObject json;
  json.add("encoding", coding).add("requests_per_second", rate).add("requests", result.requests);
  json.add("p50_seconds", result.p50).add("p99_seconds", result.p99).add("max_seconds", result.max);
  json.add("socket_errors", result.socket_errors).add("not_200", result.other_status);
  return json;
}

double seconds_of_a_scrape(const ExporterProcess& exporter) {
  const auto begin = std::chrono::steady_clock::now();
  (void)exporter.scrape();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// The exporter hangs up on connections that ask for nothing (web.request_timeout), so they are made
// anew each time.
double seconds_beside_idle(const ExporterProcess& exporter, int idle_connections) {
  std::vector<FileDescriptor> idle;
  for (int i = 0; i < idle_connections; ++i) idle.push_back(connect_to_loopback(exporter.port()));
  return seconds_of_a_scrape(exporter);
}

JsonObject idle_row(const ExporterProcess& exporter, int idle_connections) {
  std::vector<double> seconds;
  for (int i = 0; i < kScrapes; ++i) {
    seconds.push_back(seconds_beside_idle(exporter, idle_connections));
  }
  const Summary summary = summarize(seconds);
  std::printf("  one scrape beside %2d idle connections: median %.3f ms, %.3f..%.3f ms\n",
              idle_connections, summary.median * 1e3, summary.min * 1e3, summary.max * 1e3);
  return JsonObject().add("idle_connections", idle_connections).add("seconds", summary);
}

JsonObject run_with_series(const Arguments& arguments, std::size_t wanted) {
  const ExporterProcess exporter(configuration(wanted));
  const std::string text = exporter.scrape();
  const std::size_t series = count_series(text, "sockdiag_");
  const std::size_t gzip_size =
      http_get(exporter.port(), "/metrics", "Accept-Encoding: gzip\r\n").body.size();
  std::printf("%zu sockdiag series, %zu bytes, %zu as gzip\n", series, text.size(), gzip_size);
  JsonObject json;
  json.add("series", static_cast<double>(series)).add("bytes", static_cast<double>(text.size()));
  json.add("gzip_bytes", static_cast<double>(gzip_size));
  json.add("idle", {idle_row(exporter, 0), idle_row(exporter, 2), idle_row(exporter, 60)});
  json.add("load", {wrk_row(exporter, arguments, ""),
                    wrk_row(exporter, arguments, "Accept-Encoding: gzip")});
  json.add("resident_bytes", exporter.resident_memory().now_bytes);
  return json;
}

int run(const Arguments& arguments) {
  std::ofstream json_file(arguments.text("--json", "/dev/null"));
  enter_private_network();
  std::printf("scrapes, everything as %s, Linux %s, %ld CPUs shared with the clients\n",
              user_name().c_str(), kernel_release().c_str(), online_cpus());
  std::vector<JsonObject> results;
  for (const std::size_t series : arguments.numbers("--series", "500,5000")) {
    results.push_back(run_with_series(arguments, series));
  }
  json_file << JsonObject().add("host", describe_host()).add("scrapes", results).text() << '\n';
  return 0;
}

}  // namespace
}  // namespace sockdiag::bench

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  try {
    return sockdiag::bench::run(
        {argc, argv, {"--series", "--seconds", "--wrk-script", "--json"}, {}});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "scrape_benchmark: %s\n", error.what());
    return 1;
  }
}
