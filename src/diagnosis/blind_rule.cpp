// SPDX-License-Identifier: Apache-2.0

// What keeps the other rules from seeing everything.

#include <algorithm>
#include <array>
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

// The measures of a source.
struct SourceMeasures {
  std::string_view source;
  std::string_view failing;
  std::string_view stale;
};

// The sources that rules read. Owners are none: without them findings have no names, and a
// container that has not mounted the host's cgroup tree is well.
constexpr auto kSources =
    std::to_array<SourceMeasures>({{"tcp", "failing_tcp", "stale_tcp"},
                                   {"listeners", "failing_listeners", "stale_listeners"},
                                   {"kernel", "failing_kernel", "stale_kernel"},
                                   {"namespaces", "failing_namespaces", "stale_namespaces"}});

const SourceMeasures* measures_of(const SampleStatus& status) {
  const auto* const found =
      std::find_if(kSources.begin(), kSources.end(),
                   [&](const SourceMeasures& each) { return each.source == status.source; });
  return found != kSources.end() ? found : nullptr;
}

void add_positive(std::vector<Measure>& seen, std::string_view name, double value) {
  if (value > 0) seen.push_back({name, value});
}

// Adds the count of `sources` and each of them.
void add_sources(std::vector<Measure>& seen, std::string_view count,
                 const std::vector<std::string_view>& sources) {
  add_positive(seen, count, static_cast<double>(sources.size()));
  for (const std::string_view source : sources) seen.push_back({source, 1});
}

}  // namespace

std::vector<Measure> blindness_of(const Samples& samples, const History& history,
                                  History::TimePoint now) {
  std::vector<std::string_view> failing;
  std::vector<std::string_view> stale;
  for (std::size_t i = 0; i < samples.statuses.size(); ++i) {
    const SampleStatus& status = samples.statuses[i];
    const SourceMeasures* const measures = measures_of(status);
    if (status.attempts == 0 || status.idle || measures == nullptr) continue;
    if (!status.success) {
      failing.push_back(measures->failing);
    } else if (history.is_stale(i, samples.statuses, now)) {
      stale.push_back(measures->stale);
    }
  }
  std::vector<Measure> seen;
  add_sources(seen, "failing_sources", failing);
  add_sources(seen, "stale_sources", stale);
  return seen;
}

std::vector<Measure> blindness_of_old_dump() {
  std::vector<Measure> seen;
  add_sources(seen, "stale_sources", {"stale_tcp"});
  return seen;
}

void check_blind(const Evidence& evidence, Report& report) {
  std::vector<Measure> seen = blindness_of(evidence.samples, evidence.history, evidence.now);
  if (evidence.tcp != nullptr) {
    if (evidence.tcp->unique_cookies) {
      add_positive(seen, "unfollowed", static_cast<double>(evidence.tcp->unfollowed_sockets));
    }
    add_folded(evidence, seen);
  } else if (seen.empty() && evidence.samples.tcp.value != nullptr) {
    seen = blindness_of_old_dump();
  }
  if (!seen.empty()) report.add(Severity::warning, std::move(seen));
}

}  // namespace sockdiag
