// SPDX-License-Identifier: Apache-2.0
// What one sample of the exporter costs, against a raw drain of the same dump; README.md says how
// to run and read it.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "comparison.hpp"
#include "exporter_process.hpp"
#include "host.hpp"
#include "json.hpp"
#include "load.hpp"
#include "sample.hpp"
#include "statistics.hpp"

namespace sockdiag::bench {
namespace {

constexpr double kMebibyte = 1024.0 * 1024.0;
constexpr std::size_t kMaxSocketsInProcNetTcp = 50'000;  // that file is slow to read

// Far enough apart that a sample (about 1 us per socket) never follows closely on another one.
double interval_for(std::size_t sockets) {
  return std::max(1.0, std::ceil(static_cast<double>(sockets) * 4e-6));
}

std::string configuration(double interval) {
  return "sampling: {interval: " + std::to_string(static_cast<long>(interval)) +
         "s, cpu_budget: 1, max_staleness: 5m}\n";
}

LoadProfile load_profile(const std::string& name) {
  if (name == "close_wait") return LoadProfile::close_wait;
  if (name == "established" || name == "memory") return LoadProfile::established;
  throw std::invalid_argument("unknown profile " + name);
}

// What the exporter counted equals what the kernel's own counters say, in whatever order they were
// taken.
bool counts_are_true(const ExporterProcess& exporter, double interval) {
  const Sample sample = await_undisturbed_sample(exporter, interval);
  const std::size_t expected = sockets_by_sockstat();
  bool equal = sample.sockets == static_cast<double>(expected);
  std::printf("sockets counted: exporter %.0f, sockstat %zu", sample.sockets, expected);
  if (expected <= kMaxSocketsInProcNetTcp) {
    const std::size_t listed = sockets_by_proc_net_tcp();
    equal = equal && listed == expected;
    std::printf(", /proc/net/tcp %zu", listed);
  }
  std::printf(": %s\n", equal ? "equal" : "NOT EQUAL");
  return equal;
}

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

void print_memory(const ResidentMemory& memory) {
  std::printf("%-30s %10.1f %32s %.1f MiB\n", "exporter resident, MiB",
              memory.now_bytes / kMebibyte, "peak", memory.peak_bytes / kMebibyte);
}

JsonObject memory_json(const ResidentMemory& memory) {
  JsonObject object;
  object.add("resident_bytes", memory.now_bytes).add("peak_resident_bytes", memory.peak_bytes);
  return object;
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

JsonObject report(const Comparison& comparison, const ResidentMemory& memory, double sockets) {
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
  print_memory(memory);

  JsonObject json = memory_json(memory);
  json.add("sockets", sockets).add("raw_cpu_seconds", raw).add("sample_cpu_seconds", sample);
  json.add("ratio_by_round", ratio).add("ratio_of_medians", sample.median / raw.median);
  json.add("ratio_of_minima", sample.min / raw.min).add("rounds", rounds_json(comparison));
  return json;
}

struct Outcome {
  JsonObject json;
  bool counts_are_true = false;
};

Outcome run_comparison(const std::string& profile, std::size_t sockets, std::size_t rounds) {
  Load load(load_profile(profile));
  load.grow_to(sockets);
  const double interval = interval_for(sockets);
  ExporterProcess exporter(configuration(interval));
  const bool equal = counts_are_true(exporter, interval);
  const Comparison comparison = compare(exporter, rounds);
  const auto counted = static_cast<double>(count_by_drain());
  return {report(comparison, exporter.resident_memory(), counted), equal};
}

// One exporter throughout, so that whatever it keeps per socket would add up.
Outcome run_memory(std::vector<std::size_t> sizes) {
  std::sort(sizes.begin(), sizes.end());
  require_room_for(sizes.back());
  const double interval = interval_for(sizes.back());
  Load load(LoadProfile::established);
  ExporterProcess exporter(configuration(interval));
  Outcome outcome{{}, true};
  std::vector<JsonObject> steps;
  for (const std::size_t sockets : sizes) {
    load.grow_to(sockets);
    outcome.counts_are_true &= counts_are_true(exporter, interval);
    const ResidentMemory memory = exporter.resident_memory();
    print_memory(memory);
    steps.push_back(memory_json(memory).add("sockets", static_cast<double>(sockets)));
  }
  outcome.json.add("memory", steps);
  return outcome;
}

Outcome run_profile(const Arguments& arguments, const std::string& profile) {
  if (profile == "memory")
    return run_memory(arguments.numbers("--sockets", "10000,200000,1000000"));
  return run_comparison(profile, arguments.number("--sockets", 200'000),
                        arguments.number("--rounds", 7));
}

int run(const Arguments& arguments) {
  std::ofstream json_file(arguments.text("--json", "/dev/null"));
  const std::string profile = arguments.text("--profile", "established");
  load_profile(profile);
  enter_private_network();
  if (arguments.has("--as-nobody")) become_nobody();
  std::printf("profile %s, everything as %s, Linux %s, %ld CPUs, load average %.2f\n",
              profile.c_str(), user_name().c_str(), kernel_release().c_str(), online_cpus(),
              load_average());
  Outcome outcome = run_profile(arguments, profile);
  outcome.json.add("profile", profile).add("host", describe_host());
  outcome.json.add("counts_are_true", outcome.counts_are_true ? 1 : 0);
  json_file << outcome.json.text() << '\n';
  return outcome.counts_are_true ? 0 : 1;
}

}  // namespace
}  // namespace sockdiag::bench

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  try {
    return sockdiag::bench::run(
        {argc, argv, {"--sockets", "--rounds", "--profile", "--json"}, {"--as-nobody"}});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sampling_benchmark: %s\n", error.what());
    return 1;
  }
}
