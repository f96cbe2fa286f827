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
#include "listener_polls.hpp"
#include "load.hpp"
#include "raw_drain.hpp"
#include "sample.hpp"
#include "sampling_report.hpp"

namespace sockdiag::bench {
namespace {

constexpr std::size_t kMaxSocketsInProcNetTcp = 60'000;  // that file is slow to read
constexpr int kScrapesUntilIdle = 500;                   // each of its workers has answered some
constexpr std::size_t kDefaultMaxFollowed = 500'000;     // the exporter's lifetimes.max_sockets

// Far enough apart that a sample (about 1 us per socket) never follows closely on another one.
double interval_for(std::size_t sockets) {
  return std::max(1.0, std::ceil(static_cast<double>(sockets) * 4e-6));
}

std::string configuration(double interval) {
  return "sampling: {interval: " + std::to_string(static_cast<long>(interval)) +
         "s, cpu_budget: 1, max_staleness: 5m}\n";
}

// The exporter's default is left alone where nothing else is asked for.
std::string lifetimes_configuration(const Arguments& arguments) {
  if (!arguments.has("--max-followed")) return {};
  return "lifetimes: {max_sockets: " + std::to_string(arguments.number("--max-followed", 1)) +
         "}\n";
}

// What the exporter counted equals what the kernel's own counters say, in whatever order they were
// taken. They leave request sockets out; of those the load knows how many there are.
bool counts_are_true(const ExporterProcess& exporter, const Load& load, double interval) {
  const Sample sample = await_undisturbed_sample(exporter, interval);
  const std::size_t in_sockstat = sockets_by_sockstat();
  const std::size_t expected = in_sockstat + load.half_open();
  bool equal = sample.sockets == static_cast<double>(expected);
  std::printf("sockets counted: exporter %.0f, sockstat %zu", sample.sockets, in_sockstat);
  if (load.half_open() > 0) std::printf(" and %zu half-open", load.half_open());
  if (expected <= kMaxSocketsInProcNetTcp) {
    const std::size_t listed = sockets_by_proc_net_tcp();
    equal = equal && listed == expected;
    std::printf(", /proc/net/tcp %zu", listed);
  }
  std::printf(": %s\n", equal ? "equal" : "NOT EQUAL");
  return equal;
}

// After scrapes and samples enough that what they need is there for good.
double idle_resident_bytes(const ExporterProcess& exporter) {
  for (int i = 0; i < kScrapesUntilIdle; ++i) (void)exporter.scrape();
  (void)await_sample_after(exporter, await_sample_after(exporter, read_sample(exporter)));
  return exporter.resident_memory().now_bytes;
}

struct Outcome {
  JsonObject json;
  bool counts_are_true = false;
};

// The exporter is there before the load, so that what the load costs it can be told.
Outcome run_comparison(const Arguments& arguments, LoadProfile profile) {
  const std::size_t sockets = arguments.number("--sockets", 200'000);
  const std::size_t rounds = arguments.number("--rounds", 7);
  const double interval = interval_for(sockets);
  Load load(profile);
  ExporterProcess exporter(configuration(interval) + lifetimes_configuration(arguments));
  Measurement measurement;
  measurement.idle_resident_bytes = idle_resident_bytes(exporter);
  load.grow_to(sockets);
  const bool equal = counts_are_true(exporter, load, interval);
  measurement.comparison = compare(exporter, rounds);
  measurement.sockets = static_cast<double>(count_by_drain());
  measurement.listener_polls = measure_listener_polls(exporter, rounds);
  measurement.memory = exporter.resident_memory();
  if (profile == LoadProfile::leak) {
    const std::size_t most = arguments.number("--max-followed", kDefaultMaxFollowed);
    measurement.followed_sockets = std::min(load.sockets(), most);
  }
  return {report(measurement), equal};
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
    outcome.counts_are_true &= counts_are_true(exporter, load, interval);
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
  return run_comparison(arguments, load_profile(profile));
}

int run(const Arguments& arguments) {
  std::ofstream json_file(arguments.text("--json", "/dev/null"));
  const std::string profile = arguments.text("--profile", "established");
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
    return sockdiag::bench::run({argc,
                                 argv,
                                 {"--sockets", "--rounds", "--profile", "--max-followed", "--json"},
                                 {"--as-nobody"}});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sampling_benchmark: %s\n", error.what());
    return 1;
  }
}
