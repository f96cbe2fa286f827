// SPDX-License-Identifier: Apache-2.0

// Following sockets from sample to sample, where there are so many that no cache holds them. They
// come in an order of their own, the same each time, as the kernel's table gives them, and are told
// ahead in batches as TcpTally tells them.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <random>
#include <span>
#include <vector>

#include "per_item.hpp"
#include "sockdiag/tally/lifetimes.hpp"
#include "sockdiag/tally/time_wait_starts.hpp"

namespace sockdiag::bench {
namespace {

std::vector<std::uint64_t> cookies_in_table_order(std::size_t count) {
  std::vector<std::uint64_t> cookies(count);
  std::iota(cookies.begin(), cookies.end(), 1);
  std::shuffle(cookies.begin(), cookies.end(), std::mt19937_64(20261125));
  return cookies;
}

template <typename Table, typename Look>
void for_each_told_ahead(std::span<const std::uint64_t> cookies, const Table& table,
                         const Look& look) {
  constexpr std::size_t kBatch = 32;
  while (!cookies.empty()) {
    const auto batch = cookies.first(std::min(kBatch, cookies.size()));
    for (const std::uint64_t cookie : batch) table.prefetch(cookie);
    for (const std::uint64_t cookie : batch) look(cookie);
    cookies = cookies.subspan(batch.size());
  }
}

// The first range is the sockets, the second how many of them may be followed.
void follow(benchmark::State& state) {
  const auto cookies = cookies_in_table_order(static_cast<std::size_t>(state.range(0)));
  Lifetimes lifetimes;
  lifetimes.set_max_sockets(static_cast<std::size_t>(state.range(1)));
  Lifetimes::TimePoint now{std::chrono::hours(1)};
  const auto sample = [&] {
    lifetimes.begin(now += std::chrono::seconds(5));
    for_each_told_ahead(cookies, lifetimes, [&](std::uint64_t cookie) {
      benchmark::DoNotOptimize(lifetimes.follow(cookie, TcpState::close_wait));
    });
    lifetimes.finish(now);
  };
  sample();
  for (auto _ : state) sample();
  report_per_item(state, "socket", cookies.size());
}
BENCHMARK(follow)
    ->ArgNames({"sockets", "followed"})
    ->Args({10'000, 500'000})
    ->Args({500'000, 500'000})
    ->Args({1'000'000, 500'000})
    ->Unit(benchmark::kMillisecond);

void time_wait_starts(benchmark::State& state) {
  const auto cookies = cookies_in_table_order(static_cast<std::size_t>(state.range(0)));
  TimeWaitStarts starts;
  TimeWaitStarts::TimePoint now{std::chrono::hours(1)};
  const auto sample = [&] {
    starts.begin(now += std::chrono::milliseconds(1));
    for_each_told_ahead(cookies, starts, [&](std::uint64_t cookie) {
      benchmark::DoNotOptimize(starts.is_new(cookie, std::chrono::seconds(30)));
    });
    starts.finish();
  };
  sample();
  for (auto _ : state) sample();
  report_per_item(state, "socket", cookies.size());
}
BENCHMARK(time_wait_starts)->ArgName("sockets")->Arg(131'072)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sockdiag::bench
