// SPDX-License-Identifier: Apache-2.0
#include "listener_polls.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "http_client.hpp"

namespace sockdiag::bench {
namespace {

constexpr std::chrono::seconds kDeadline{60};
constexpr std::chrono::milliseconds kPollPeriod{50};

struct PollStatus {
  double timestamp = 0;
  double cpu_seconds_total = 0;
  double interval = 0;
};

std::optional<PollStatus> read_status(const ExporterProcess& exporter) {
  const std::string text = exporter.scrape();
  const auto timestamp =
      find_metric(text, R"(sockdiag_sample_timestamp_seconds{source="listeners"})");
  if (!timestamp) return std::nullopt;
  if (metric_value(text, R"(sockdiag_sample_success{source="listeners"})") != 1) {
    throw std::runtime_error("the exporter's poll of the listeners failed");
  }
  return PollStatus{*timestamp,
                    metric_value(text, R"(sockdiag_sample_cpu_seconds_total{source="listeners"})"),
                    metric_value(text, R"(sockdiag_sample_interval_seconds{source="listeners"})")};
}

PollStatus await_status_after(const ExporterProcess& exporter, const PollStatus& previous) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (std::chrono::steady_clock::now() < deadline) {
    const std::optional<PollStatus> status = read_status(exporter);
    if (status && status->timestamp > previous.timestamp) return *status;
    std::this_thread::sleep_for(kPollPeriod);
  }
  throw std::runtime_error("the exporter polls its listeners no more");
}

double cpu_seconds_per_poll(const PollStatus& before, const PollStatus& after) {
  const double polls = std::round((after.timestamp - before.timestamp) / after.interval);
  return (after.cpu_seconds_total - before.cpu_seconds_total) / std::max(1.0, polls);
}

}  // namespace

std::vector<double> measure_listener_polls(const ExporterProcess& exporter,
                                           std::size_t publications) {
  std::vector<double> result;
  std::optional<PollStatus> before = read_status(exporter);
  while (before && result.size() < publications) {
    const PollStatus after = await_status_after(exporter, *before);
    result.push_back(cpu_seconds_per_poll(*before, after));
    before = after;
  }
  return result;
}

}  // namespace sockdiag::bench
