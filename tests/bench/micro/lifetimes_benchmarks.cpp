// SPDX-License-Identifier: Apache-2.0

// Following sockets from sample to sample, where there are so many that no cache holds them. They
// come in an order of their own, the same each time, as the kernel's table gives them, and in
// batches, as TcpTally hands them over.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "per_item.hpp"
#include "sockdiag/tally/lifetimes.hpp"
#include "sockdiag/tally/time_wait_starts.hpp"

namespace sockdiag::bench {
namespace {

struct Socket {
  std::uint64_t cookie = 0;
  TcpState state = TcpState::close_wait;
  std::chrono::milliseconds timer_remaining{30'000};
};

std::vector<Socket> sockets_in_table_order(std::int64_t count) {
  std::vector<Socket> sockets(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < sockets.size(); ++i) sockets[i].cookie = i + 1;
  std::shuffle(sockets.begin(), sockets.end(), std::mt19937_64(20261125));
  return sockets;
}

template <typename HandOver>
void hand_over_in_batches(std::span<const Socket> sockets, const HandOver& hand_over) {
  constexpr std::size_t kBatch = 32;
  while (!sockets.empty()) {
    const auto batch = sockets.first(std::min(kBatch, sockets.size()));
    hand_over(batch);
    sockets = sockets.subspan(batch.size());
  }
}

// The first range is the sockets, the second how many of them may be followed.
void follow(benchmark::State& state) {
  const auto sockets = sockets_in_table_order(state.range(0));
  LifetimeBudget budget;
  budget.set_max_sockets(static_cast<std::size_t>(state.range(1)));
  Lifetimes lifetimes(budget);
  Lifetimes::TimePoint now{std::chrono::hours(1)};
  const auto sample = [&] {
    lifetimes.begin(now += std::chrono::seconds(5));
    hand_over_in_batches(sockets, [&](std::span<const Socket> batch) {
      lifetimes.follow(batch, [](const Socket&, auto age) { benchmark::DoNotOptimize(age); });
    });
    lifetimes.finish(now);
  };
  sample();
  for (auto _ : state) sample();
  report_per_item(state, "socket", sockets.size());
}
BENCHMARK(follow)
    ->ArgNames({"sockets", "followed"})
    ->Args({10'000, 500'000})
    ->Args({500'000, 500'000})
    ->Args({1'000'000, 500'000})
    ->Unit(benchmark::kMillisecond);

void time_wait_starts(benchmark::State& state) {
  const auto sockets = sockets_in_table_order(state.range(0));
  TimeWaitStarts starts;
  TimeWaitStarts::TimePoint now{std::chrono::hours(1)};
  const auto sample = [&] {
    starts.begin(now += std::chrono::milliseconds(1));
    hand_over_in_batches(sockets, [&](std::span<const Socket> batch) {
      starts.find_new(batch, [](const Socket& socket) { benchmark::DoNotOptimize(socket.cookie); });
    });
    starts.finish();
  };
  sample();
  for (auto _ : state) sample();
  report_per_item(state, "socket", sockets.size());
}
BENCHMARK(time_wait_starts)->ArgName("sockets")->Arg(131'072)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sockdiag::bench
