// SPDX-License-Identifier: Apache-2.0

// What keeps the other rules from seeing everything.

#include <algorithm>
#include <numeric>

#include "blindness.hpp"
#include "rules.hpp"

namespace sockdiag {
namespace {

double sum_of(const StateCounts& sockets) {
  return std::accumulate(sockets.begin(), sockets.end(), 0.0);
}

// Adds the sockets of ports without series to `seen` if those are too many to be overlooked.
void add_folded(const Evidence& evidence, std::vector<Measure>& seen) {
  double folded = 0;
  double folded_ports = 0;
  for (const DirectionCounts& counts : evidence.tcp->directions) {
    const double other = sum_of(counts.other.sockets);
    double all = other;
    for (const PortCounts& port : counts.ports) all += sum_of(port.sockets);
    const bool many = other > evidence.policy.folded_sockets &&
                      other > evidence.policy.folded_share * all && counts.folded_ports > 0;
    if (!many) continue;
    folded += other;
    folded_ports += counts.folded_ports;
  }
  if (folded == 0) return;
  seen.push_back({"folded", folded});
  seen.push_back({"folded_ports", folded_ports});
}

// No rule reads owners: without them findings have no names. A container that has not mounted the
// host's cgroup tree is well.
bool is_read_by_rules(const SampleStatus& status) { return status.source != "owners"; }

void add_positive(std::vector<Measure>& seen, std::string_view name, double value) {
  if (value > 0) seen.push_back({name, value});
}

}  // namespace

Blindness blindness_of(const Samples& samples, const History& history, History::TimePoint now) {
  Blindness blindness;
  for (std::size_t i = 0; i < samples.statuses.size(); ++i) {
    const SampleStatus& status = samples.statuses[i];
    if (status.attempts == 0 || status.idle || !is_read_by_rules(status)) continue;
    if (!status.success) {
      ++blindness.failing;
    } else if (history.is_stale(i, samples.statuses, now)) {
      ++blindness.stale;
    }
  }
  return blindness;
}

void check_blind(const Evidence& evidence, Report& report) {
  const Blindness sources = blindness_of(evidence.samples, evidence.history, evidence.now);
  std::vector<Measure> seen;
  add_positive(seen, "failing_sources", sources.failing);
  add_positive(seen, "stale_sources", sources.stale);
  if (evidence.tcp != nullptr) {
    if (evidence.tcp->unique_cookies) {
      add_positive(seen, "unfollowed", static_cast<double>(evidence.tcp->unfollowed_sockets));
    }
    add_folded(evidence, seen);
  } else if (seen.empty() && evidence.samples.tcp.value != nullptr) {
    seen.push_back({"stale_sources", 1});
  }
  if (!seen.empty()) report.add(Severity::warning, std::move(seen));
}

}  // namespace sockdiag
