// SPDX-License-Identifier: Apache-2.0

// From counts to what a scrape gets: metric families, their text, and its compression.

#include <benchmark/benchmark.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "per_item.hpp"
#include "sockdiag/core/tcp_snapshot.hpp"
#include "sockdiag/http/gzip.hpp"
#include "sockdiag/metrics/metric_families.hpp"

namespace sockdiag::bench {
namespace {

// A host with as many ports of its own in each direction.
TcpSnapshot snapshot_with(std::size_t ports) {
  TcpSnapshot snapshot;
  for (DirectionCounts& direction : snapshot.directions) {
    for (std::size_t i = 0; i < ports; ++i) {
      PortCounts& counts = direction.ports.emplace_back();
      counts.port = static_cast<std::uint16_t>(1024 + i);
      counts.sockets.fill(static_cast<std::uint32_t>(i * 17));
      counts.receive_queue_bytes = i * 1009;
    }
  }
  return snapshot;
}

std::size_t series_of(const std::string& text) {
  std::istringstream lines(text);
  std::size_t series = 0;
  for (std::string line; std::getline(lines, line);) series += line.starts_with('#') ? 0 : 1;
  return series;
}

std::vector<prometheus::MetricFamily> families_of(const TcpSnapshot& snapshot) {
  std::vector<prometheus::MetricFamily> families;
  for (const auto& row : tcp_families()) {
    prometheus::MetricFamily& family = families.emplace_back();
    family.name = row.name;
    family.help = row.help;
    family.type = row.type;
    row.fill(snapshot, family);
  }
  return families;
}

TcpSnapshot snapshot_of(const benchmark::State& state) {
  return snapshot_with(static_cast<std::size_t>(state.range(0)));
}

void families(benchmark::State& state) {
  const TcpSnapshot snapshot = snapshot_of(state);
  for (auto _ : state) benchmark::DoNotOptimize(families_of(snapshot));
  report_per_item(state, "series", series_of(render(snapshot)));
}

void text(benchmark::State& state) {
  const auto all = families_of(snapshot_of(state));
  for (auto _ : state) {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, all);
    benchmark::DoNotOptimize(std::move(out).str());
  }
  report_per_item(state, "series", series_of(render(snapshot_of(state))));
}

void families_and_text(benchmark::State& state) {
  const TcpSnapshot snapshot = snapshot_of(state);
  for (auto _ : state) benchmark::DoNotOptimize(render(snapshot));
  report_per_item(state, "series", series_of(render(snapshot)));
}

void compression(benchmark::State& state) {
  const std::string rendered = render(snapshot_of(state));
  for (auto _ : state) benchmark::DoNotOptimize(deflate_part(rendered));
  report_per_item(state, "series", series_of(rendered));
}

BENCHMARK(families)->ArgName("ports")->Arg(10)->Arg(100)->Unit(benchmark::kMicrosecond);
BENCHMARK(text)->ArgName("ports")->Arg(10)->Arg(100)->Unit(benchmark::kMicrosecond);
BENCHMARK(families_and_text)->ArgName("ports")->Arg(10)->Arg(100)->Unit(benchmark::kMicrosecond);
BENCHMARK(compression)->ArgName("ports")->Arg(10)->Arg(100)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace sockdiag::bench

BENCHMARK_MAIN();
