// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <string>

namespace sockdiag::bench {

// Shows seconds per `item` beside the time of an iteration, which worked on `items` of them.
inline void report_per_item(benchmark::State& state, const std::string& item, std::size_t items) {
  using benchmark::Counter;
  state.counters["per_" + item] =
      Counter(static_cast<double>(items), Counter::kIsIterationInvariantRate | Counter::kInvert);
}

}  // namespace sockdiag::bench
