// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "exporter_process.hpp"
#include "raw_drain.hpp"

namespace sockdiag::bench {

// The raw drain and the exporter's own sample, in turns on the same sockets: a round is one drain
// while the exporter is stopped, then one sample while nothing else runs. CPU seconds of the one
// thread that drains.
struct Comparison {
  std::vector<DrainCost> drains;
  std::vector<double> sample_cpu_seconds;
  std::vector<double> sample_durations;

  // Sample over drain of the same round.
  [[nodiscard]] std::vector<double> ratios() const;
};

[[nodiscard]] Comparison compare(ExporterProcess& exporter, std::size_t rounds);

}  // namespace sockdiag::bench
