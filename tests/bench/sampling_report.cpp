// SPDX-License-Identifier: Apache-2.0
#include "sampling_report.hpp"

#include <cstdio>

#include "statistics.hpp"

namespace sockdiag::bench {
namespace {

constexpr double kMebibyte = 1024.0 * 1024.0;

template <typename Member>
Summary summarize_drains(const std::vector<DrainCost>& drains, Member member) {
  std::vector<double> values;
  for (const DrainCost& drain : drains) values.push_back(drain.*member);
  return summarize(values);
}

void print_row(const char* name, const Summary& seconds, double sockets) {
  std::printf("%-30s %10.4f %10.4f %10.4f %12.0f\n", name, seconds.median, seconds.min, seconds.max,
              seconds.median / sockets * 1e9);
}

std::vector<JsonObject> rounds_json(const Comparison& comparison) {
  std::vector<JsonObject> rounds;
  for (std::size_t i = 0; i < comparison.drains.size(); ++i) {
    JsonObject& round = rounds.emplace_back();
    round.add("raw_cpu_seconds", comparison.drains[i].cpu_seconds);
    round.add("sample_cpu_seconds", comparison.sample_cpu_seconds[i]);
  }
  return rounds;
}

void report_comparison(const Comparison& comparison, double sockets, JsonObject& json) {
  const Summary raw = summarize_drains(comparison.drains, &DrainCost::cpu_seconds);
  const Summary sample = summarize(comparison.sample_cpu_seconds);
  const Summary ratio = summarize(comparison.ratios());
  std::printf("%-30s %10s %10s %10s %12s\n", "", "median", "min", "max", "ns/socket");
  print_row("raw drain, CPU s", raw, sockets);
  print_row("  user", summarize_drains(comparison.drains, &DrainCost::user_seconds), sockets);
  print_row("  system", summarize_drains(comparison.drains, &DrainCost::system_seconds), sockets);
  print_row("exporter's sample, CPU s", sample, sockets);
  print_row("exporter's sample, duration s", summarize(comparison.sample_durations), sockets);
  std::printf("%-30s %10.3f %10.3f %10.3f\n", "ratio sample/raw by round", ratio.median, ratio.min,
              ratio.max);
  std::printf("%-30s %10.3f\n", "ratio of the medians", sample.median / raw.median);
  std::printf("%-30s %10.3f\n", "ratio of the minima", sample.min / raw.min);

  json.add("sockets", sockets).add("raw_cpu_seconds", raw).add("sample_cpu_seconds", sample);
  json.add("ratio_by_round", ratio).add("ratio_of_medians", sample.median / raw.median);
  json.add("ratio_of_minima", sample.min / raw.min).add("rounds", rounds_json(comparison));
}

void report_listener_polls(const std::vector<double>& cpu_seconds, JsonObject& json) {
  const char* name = "LISTEN poll, CPU us";
  if (cpu_seconds.empty()) {
    std::printf("%-30s %10s\n", name, "not measured: no source \"listeners\"");
    return;
  }
  const Summary poll = summarize(cpu_seconds);
  std::printf("%-30s %10.0f %10.0f %10.0f\n", name, poll.median * 1e6, poll.min * 1e6,
              poll.max * 1e6);
  json.add("listener_poll_cpu_seconds", poll);
}

void report_growth(const Measurement& measurement, JsonObject& json) {
  const double growth = measurement.memory.now_bytes - measurement.idle_resident_bytes;
  std::printf("%-30s %10.1f\n", "  more than without load, MiB", growth / kMebibyte);
  json.add("idle_resident_bytes", measurement.idle_resident_bytes);
  if (!measurement.followed_sockets) return;
  const auto followed = static_cast<double>(*measurement.followed_sockets);
  std::printf("%-30s %10.1f %32s %.0f\n", "  bytes per followed socket", growth / followed,
              "followed", followed);
  json.add("followed_sockets", followed).add("bytes_per_followed_socket", growth / followed);
}

}  // namespace

void print_memory(const ResidentMemory& memory) {
  std::printf("%-30s %10.1f %32s %.1f MiB\n", "exporter resident, MiB",
              memory.now_bytes / kMebibyte, "peak", memory.peak_bytes / kMebibyte);
}

JsonObject memory_json(const ResidentMemory& memory) {
  JsonObject object;
  object.add("resident_bytes", memory.now_bytes).add("peak_resident_bytes", memory.peak_bytes);
  return object;
}

JsonObject report(const Measurement& measurement) {
  JsonObject json = memory_json(measurement.memory);
  report_comparison(measurement.comparison, measurement.sockets, json);
  report_listener_polls(measurement.listener_polls, json);
  print_memory(measurement.memory);
  report_growth(measurement, json);
  return json;
}

}  // namespace sockdiag::bench
