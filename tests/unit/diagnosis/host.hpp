// SPDX-License-Identifier: Apache-2.0
#pragma once

// A host whose samples a test makes up, one after the other: what it has is set, and stays until it
// is set anew; counters grow by so much a second.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "sockdiag/diagnosis/diagnosis.hpp"

namespace sockdiag::test {

using namespace std::chrono_literals;

// One port of the host. Each function returns the port, so that calls can be chained.
class HostPort {
 public:
  HostPort& has(TcpState state, std::uint32_t sockets) {
    counts.sockets[index_of(state)] = sockets;
    return *this;
  }
  HostPort& lingers(TcpState state, std::uint32_t sockets, std::chrono::seconds oldest = 90s) {
    std::uint32_t& all = counts.sockets[index_of(state)];
    all = std::max(all, sockets);
    counts.stays[passing_index_of(state)] = {sockets, oldest};
    if (state == TcpState::syn_recv) counts.retransmitting_syn_recv = sockets;
    return *this;
  }
  HostPort& waits(CloseWaitCause cause, std::uint32_t sockets, std::uint32_t lingering) {
    counts.close_wait_causes[index_of(cause)] = sockets;
    const auto& causes = counts.close_wait_causes;
    has(TcpState::close_wait, std::accumulate(causes.begin(), causes.end(), 0U));
    counts.stays[passing_index_of(TcpState::close_wait)] = {lingering, 90s};
    counts.lingering_close_wait[index_of(cause)] = lingering;
    return *this;
  }
  HostPort& waits(CloseWaitCause cause, std::uint32_t sockets) {
    return waits(cause, sockets, sockets);
  }
  HostPort& listens(std::uint64_t limit = 128) {
    has(TcpState::listen, 1);
    counts.accept_queue.limit = limit;
    return *this;
  }
  HostPort& queue(std::uint64_t length, std::uint64_t limit = 128) {
    listens(limit);
    counts.accept_queue = {length, limit, static_cast<double>(length) / static_cast<double>(limit)};
    return *this;
  }
  HostPort& stops_listening() {
    has(TcpState::listen, 0);
    counts.accept_queue = {};
    return *this;
  }
  HostPort& receive_queue(std::uint64_t bytes) {
    counts.receive_queue_bytes = bytes;
    return *this;
  }
  HostPort& send_queue(std::uint64_t bytes) {
    counts.send_queue_bytes = bytes;
    return *this;
  }
  HostPort& starts_time_waits(double per_second) {
    time_wait_rate = per_second;
    return *this;
  }
  HostPort& drops(double per_second, std::uint64_t peak = 0) {
    drop_rate = per_second;
    accept_queue_peak = peak;
    return *this;
  }
  HostPort& peaks(std::uint64_t peak) {
    accept_queue_peak = peak;
    return *this;
  }

  PortCounts counts;
  double time_wait_rate = 0;
  double time_wait_started = 0;
  double drop_rate = 0;
  double dropped = 0;
  std::uint64_t accept_queue_peak = 0;
};

class Host {
 public:
  using Seconds = std::chrono::seconds;

  Host() {
    for (const KernelValueRow& row : kernel_value_rows()) kernel_[std::string(row.metric)] = 0;
    gauge("orphans_limit", 8192).gauge("time_wait_limit_sockets", 262'144);
    gauge("memory_limit_bytes", 1e9).gauge("memory_pressure_bytes", 0.67e9);
    ephemeral.available = 28'232;
    ephemeral.local_ports_used = 0;
    for (const std::string_view source : {"tcp", "listeners", "kernel"}) {
      statuses.push_back({.source = source, .success = true, .attempts = 1});
    }
    every(5s);
  }

  HostPort& in(std::uint16_t port) { return of(Direction::inbound, port); }
  HostPort& out(std::uint16_t port) { return of(Direction::outbound, port); }
  HostPort& others(Direction direction) { return others_[index_of(direction)]; }
  void forget(Direction direction, std::uint16_t port) { ports_[index_of(direction)].erase(port); }

  // `name`: of the metric, without "sockdiag_tcp_" and "_total".
  Host& gauge(std::string_view name, double value) {
    kernel_[metric(name)] = value;
    return *this;
  }
  Host& counter(std::string_view name, double value) {
    kernel_[metric(name)] = value;
    return *this;
  }
  Host& grows(std::string_view name, double per_second) {
    rates_[metric(name)] = per_second;
    return *this;
  }
  Host& lacks(std::string_view name) {
    kernel_[metric(name)] = std::nullopt;
    return *this;
  }
  Host& every(Seconds interval) {
    interval_ = interval;
    for (SampleStatus& status : statuses) status.interval = interval;
    return *this;
  }
  SampleStatus& status(std::string_view source) {
    return *std::find_if(statuses.begin(), statuses.end(),
                         [&](const SampleStatus& each) { return each.source == source; });
  }

  // Lets the time pass without a sample.
  Host& pause(Seconds time) {
    pass(time);
    return *this;
  }

  // Samples, and returns what is found.
  std::shared_ptr<const Findings> sample() {
    pass(started_ ? interval_ : 0s);
    started_ = true;
    if (takes_tcp) samples.tcp = {snapshot(), now_ + 60s};
    if (takes_listeners) samples.listeners = {listeners(), now_ + 60s};
    if (takes_kernel) samples.kernel = {values(), now_ + 60s};
    for (SampleStatus& each : statuses) each.attempts += 1;
    take_success("tcp", takes_tcp);
    take_success("listeners", takes_listeners);
    take_success("kernel", takes_kernel);
    return examine();
  }

  // Samples for so long, the first sample included.
  std::shared_ptr<const Findings> run(Seconds time) {
    auto found = sample();
    for (Seconds passed = 0s; passed < time; passed += interval_) found = sample();
    return found;
  }

  // Adds other network namespaces: what `pod` has now, or nothing of its sockets.
  void visit(Host& pod, const OwnerLabels& owner, bool sockets = true) {
    pod.pass(pod.started_ ? interval_ : 0s);
    pod.started_ = true;
    NamespaceSample sample;
    sample.owner = owner;
    NamespaceCounters counters;
    counters.kernel = *pod.values();
    for (std::size_t i = 0; i < counters.kernel.values.size(); ++i) {
      if (kernel_value_rows()[i].type == ValueType::gauge) counters.kernel.values[i].reset();
    }
    sample.counters = {std::make_shared<const NamespaceCounters>(counters), now_ + 60s};
    if (sockets) {
      sample.tcp = {pod.snapshot(), now_ + 60s};
      sample.listeners = {pod.listeners(), now_ + 60s};
    }
    namespaces_.samples.push_back(sample);
  }
  // Publishes those that were visited since the last call.
  void publish_namespaces() {
    namespaces_.rotation = interval_;
    samples.namespaces = {std::make_shared<const NamespacesSnapshot>(std::move(namespaces_)),
                          now_ + 60s};
    namespaces_ = {};
  }

  std::shared_ptr<const Findings> examine() {
    samples.statuses = statuses;
    return diagnosis.examine(samples, policy, now_);
  }

  [[nodiscard]] Diagnosis::TimePoint now() const { return now_; }
  [[nodiscard]] std::chrono::system_clock::time_point time() const { return time_; }

  FindingPolicy policy;
  EphemeralPortUse ephemeral;
  SampleStatuses statuses;
  std::uint64_t unfollowed = 0;
  bool unique_cookies = true;
  bool takes_tcp = true;
  bool takes_listeners = true;
  bool takes_kernel = true;
  std::uint32_t folded_ports = 0;
  Samples samples;
  Diagnosis diagnosis;

 private:
  static std::string metric(std::string_view name) {
    const std::string whole = "sockdiag_tcp_" + std::string(name);
    for (const KernelValueRow& row : kernel_value_rows()) {
      if (row.metric == whole || row.metric == whole + "_total") return std::string(row.metric);
    }
    throw std::invalid_argument(whole);
  }

  HostPort& of(Direction direction, std::uint16_t port) {
    HostPort& found = ports_[index_of(direction)][port];
    found.counts.port = port;
    return found;
  }

  void take_success(std::string_view source, bool success) {
    status(source).success = success;
    if (success) status(source).last_success = time_;
  }

  void pass(Seconds time) {
    now_ += time;
    time_ += time;
    const auto seconds = static_cast<double>(time.count());
    for (const auto& [name, rate] : rates_) {
      if (kernel_[name]) *kernel_[name] += rate * seconds;
    }
    for (auto& ports : ports_) {
      for (auto& [number, port] : ports) {
        port.time_wait_started += port.time_wait_rate * seconds;
        port.dropped += port.drop_rate * seconds;
      }
    }
  }

  std::shared_ptr<const TcpSnapshot> snapshot() {
    TcpSnapshot snapshot;
    snapshot.unique_cookies = unique_cookies;
    snapshot.lingering_thresholds = {10s, 5s, 10s, 90s, 10s, 60s, 10s};
    snapshot.ephemeral = ephemeral;
    snapshot.unfollowed_sockets = unfollowed;
    const auto add = [&](const StateCounts& sockets) {
      for (std::size_t i = 0; i < sockets.size(); ++i) {
        snapshot.families[0][i] += sockets[i];
        snapshot.sockets += sockets[i];
      }
    };
    for (const Direction direction : kDirections) {
      DirectionCounts& counts = snapshot.directions[index_of(direction)];
      for (auto& [number, port] : ports_[index_of(direction)]) {
        port.counts.time_wait_started = static_cast<std::uint64_t>(port.time_wait_started);
        counts.ports.push_back(port.counts);
        add(port.counts.sockets);
      }
      counts.other = others_[index_of(direction)].counts;
      counts.folded_ports = folded_ports;
      add(counts.other.sockets);
    }
    return std::make_shared<const TcpSnapshot>(std::move(snapshot));
  }

  std::shared_ptr<const ListenerSnapshot> listeners() {
    ListenerSnapshot snapshot;
    for (const auto& [number, port] : ports_[0]) {
      snapshot.ports.push_back({number,
                                std::max(port.accept_queue_peak, port.counts.accept_queue.length),
                                static_cast<std::uint64_t>(port.dropped)});
    }
    snapshot.other.drops = 0;
    return std::make_shared<const ListenerSnapshot>(std::move(snapshot));
  }

  std::shared_ptr<const KernelValues> values() {
    KernelValues values;
    for (const KernelValueRow& row : kernel_value_rows()) {
      const auto& value = kernel_[std::string(row.metric)];
      values.values.push_back(value ? std::optional(static_cast<std::uint64_t>(*value))
                                    : std::nullopt);
    }
    return std::make_shared<const KernelValues>(std::move(values));
  }

  std::map<std::uint16_t, HostPort> ports_[2];
  HostPort others_[2];
  std::map<std::string, std::optional<double>, std::less<>> kernel_;
  std::map<std::string, double> rates_;
  Seconds interval_{5};
  bool started_ = false;
  NamespacesSnapshot namespaces_;
  Diagnosis::TimePoint now_ = Diagnosis::TimePoint(1000s);
  std::chrono::system_clock::time_point time_ = std::chrono::system_clock::time_point(1'000'000s);
};

[[nodiscard]] inline std::string name_of(const Finding& finding) {
  std::string name =
      std::string(name_of(finding.severity)) + " " + std::string(name_of(finding.id));
  if (finding.direction) name += " " + std::string(name_of(*finding.direction));
  if (finding.port) name += " " + std::to_string(*finding.port);
  return name;
}

[[nodiscard]] inline std::vector<std::string> names_of(const Findings& findings) {
  std::vector<std::string> names;
  for (const Finding& finding : findings.found) names.push_back(name_of(finding));
  return names;
}

// Returns the measure of the first finding, or nothing.
[[nodiscard]] inline std::optional<double> measure(const Findings& findings,
                                                   std::string_view name) {
  if (findings.found.empty()) return std::nullopt;
  for (const Measure& each : findings.found.front().seen) {
    if (each.name == name) return each.value;
  }
  return std::nullopt;
}

}  // namespace sockdiag::test
