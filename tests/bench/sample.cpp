// SPDX-License-Identifier: Apache-2.0
#include "sample.hpp"

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

#include "http_client.hpp"

namespace sockdiag::bench {
namespace {

constexpr std::chrono::seconds kDeadline{60};
constexpr std::chrono::milliseconds kPollPeriod{50};
constexpr int kUndisturbedAttempts = 10;

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// The timestamp may be taken at either end of a sample; both readings must lie within the silence.
bool lies_within(const Sample& sample, double begin, double end) {
  return sample.timestamp - sample.duration > begin && sample.timestamp + sample.duration < end;
}

}  // namespace

Sample read_sample(const ExporterProcess& exporter) {
  const std::string text = exporter.scrape();
  if (metric_value(text, R"(sockdiag_sample_success{source="tcp"})") != 1) {
    throw std::runtime_error("the exporter's sample failed");
  }
  return {metric_value(text, R"(sockdiag_sample_timestamp_seconds{source="tcp"})"),
          metric_value(text, R"(sockdiag_sample_duration_seconds{source="tcp"})"),
          metric_value(text, R"(sockdiag_sample_cpu_seconds_total{source="tcp"})"),
          metric_value(text, R"(sockdiag_sample_sockets{source="tcp"})")};
}

Sample await_sample_after(const ExporterProcess& exporter, const Sample& previous) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (std::chrono::steady_clock::now() < deadline) {
    const Sample sample = read_sample(exporter);
    if (sample.timestamp > previous.timestamp) return sample;
    std::this_thread::sleep_for(kPollPeriod);
  }
  throw std::runtime_error("the exporter takes no more samples");
}

Sample await_undisturbed_sample(const ExporterProcess& exporter, double interval_seconds) {
  for (int attempt = 0; attempt < kUndisturbedAttempts; ++attempt) {
    const double silence_begin = now_seconds();
    // Any look at the exporter would be a socket: all there is to do is to be silent for long
    // enough.
    std::this_thread::sleep_for(std::chrono::duration<double>(interval_seconds * 1.5));
    const double silence_end = now_seconds();
    const Sample sample = read_sample(exporter);
    if (lies_within(sample, silence_begin, silence_end)) return sample;
  }
  throw std::runtime_error("no sample fell into the silence between two scrapes");
}

}  // namespace sockdiag::bench
