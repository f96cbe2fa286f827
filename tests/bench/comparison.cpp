// SPDX-License-Identifier: Apache-2.0
#include "comparison.hpp"

#include "sample.hpp"

namespace sockdiag::bench {
namespace {

DrainCost drain_beside_stopped(ExporterProcess& exporter) {
  exporter.pause();
  const DrainCost cost = drain();
  exporter.resume();
  return cost;
}

// The timer of a resumed exporter is overdue and fires at once, and its next regular sample may
// follow closely. The first news after the resumption may therefore be of two samples; the second
// is of one.
void add_sample(ExporterProcess& exporter, Comparison& comparison) {
  const Sample overdue = await_sample_after(exporter, read_sample(exporter));
  const Sample regular = await_sample_after(exporter, overdue);
  comparison.sample_cpu_seconds.push_back(regular.cpu_seconds_total - overdue.cpu_seconds_total);
  comparison.sample_durations.push_back(regular.duration);
}

}  // namespace

std::vector<double> Comparison::ratios() const {
  std::vector<double> result;
  for (std::size_t i = 0; i < drains.size(); ++i) {
    result.push_back(sample_cpu_seconds[i] / drains[i].cpu_seconds);
  }
  return result;
}

Comparison compare(ExporterProcess& exporter, std::size_t rounds) {
  Comparison comparison;
  (void)drain();  // the first dump of a socket gives it a cookie
  for (std::size_t round = 0; round < rounds; ++round) {
    comparison.drains.push_back(drain_beside_stopped(exporter));
    add_sample(exporter, comparison);
  }
  return comparison;
}

}  // namespace sockdiag::bench
