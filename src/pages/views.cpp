// SPDX-License-Identifier: Apache-2.0
#include "views.hpp"

#include <algorithm>

namespace sockdiag {
namespace {

template <typename Value>
const Value* fresh(const Sampled<Value>& sampled, Diagnosis::TimePoint now) {
  return sampled.is_fresh(now) ? sampled.value.get() : nullptr;
}

std::shared_ptr<const Findings> findings_of(const Exposition& exposition,
                                            Diagnosis::TimePoint now) {
  if (exposition.samples == nullptr || exposition.findings == nullptr) {
    return std::make_shared<const Findings>();
  }
  return fresh_findings(exposition.findings, *exposition.samples, now);
}

const ListenerCounts* polled_of(const ListenerSnapshot* snapshot, std::uint16_t port) {
  if (snapshot == nullptr) return nullptr;
  if (port == 0) return &snapshot->other;
  const auto found = std::ranges::lower_bound(snapshot->ports, port, {}, &ListenerCounts::port);
  return found != snapshot->ports.end() && found->port == port ? &*found : nullptr;
}

}  // namespace

View::View(const Exposition& exposition, Diagnosis::TimePoint time)
    : samples(exposition.samples.get()),
      tcp(samples != nullptr ? fresh(samples->tcp, time) : nullptr),
      listeners(samples != nullptr ? fresh(samples->listeners, time) : nullptr),
      kernel(samples != nullptr ? fresh(samples->kernel, time) : nullptr),
      owners(samples != nullptr ? fresh(samples->owners, time) : nullptr),
      namespaces(samples != nullptr ? fresh(samples->namespaces, time) : nullptr),
      findings(findings_of(exposition, time)),
      trend(exposition.trend.get()),
      names(exposition.port_names.get()),
      now(time) {}

std::string_view View::port_name(std::uint16_t port) const noexcept {
  return names == nullptr ? std::string_view() : name_of_port(*names, port);
}

std::optional<StateCounts> View::totals_of(const NamespaceSample& sample) const noexcept {
  if (!sample.tcp.is_fresh(now)) return std::nullopt;
  StateCounts totals{};
  for (const StateCounts& family : sample.tcp.value->families) {
    for (std::size_t i = 0; i < totals.size(); ++i) totals[i] += family[i];
  }
  return totals;
}

const NamespaceCounters* View::counters_of(const NamespaceSample& sample) const noexcept {
  return fresh(sample.counters, now);
}

bool View::is_complete() const noexcept {
  return tcp != nullptr && std::ranges::find(findings->found, FindingId::blind, &Finding::id) ==
                               findings->found.end();
}

std::optional<std::chrono::system_clock::time_point> View::sampled_at() const noexcept {
  if (samples == nullptr) return std::nullopt;
  const auto status = std::ranges::find(samples->statuses, "tcp", &SampleStatus::source);
  if (status == samples->statuses.end()) return std::nullopt;
  return status->last_success;
}

StateCounts View::totals() const noexcept {
  StateCounts totals{};
  if (tcp == nullptr) return totals;
  for (const StateCounts& family : tcp->families) {
    for (std::size_t i = 0; i < totals.size(); ++i) totals[i] += family[i];
  }
  return totals;
}

std::vector<PortView> View::ports() const {
  std::vector<PortView> ports;
  if (tcp == nullptr) return ports;
  for (const Direction direction : kDirections) {
    const DirectionCounts& counts = tcp->of(direction);
    const auto add = [&](const PortCounts& port) {
      const bool listens = direction == Direction::inbound;
      ports.push_back({direction, &port, listens ? polled_of(listeners, port.port) : nullptr});
    };
    for (const PortCounts& port : counts.ports) add(port);
    add(counts.other);
  }
  return ports;
}

std::optional<std::uint64_t> View::kernel_value(std::string_view metric) const noexcept {
  const auto rows = kernel_value_rows();
  const auto row = std::ranges::find(rows, metric, &KernelValueRow::metric);
  const auto index = static_cast<std::size_t>(row - rows.begin());
  if (kernel == nullptr || index >= kernel->values.size()) return std::nullopt;
  return kernel->values[index];
}

}  // namespace sockdiag
