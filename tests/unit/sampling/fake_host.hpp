// SPDX-License-Identifier: Apache-2.0
#pragma once

// A host of a test's own with other network namespaces, and what visits them.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sampling/namespaces.hpp"
#include "sockdiag/procfs/kernel_value_reader.hpp"
#include "support/dump_builder.hpp"
#include "support/fake_processes.hpp"
#include "support/replay_channel.hpp"

namespace sockdiag::test {
using namespace std::chrono_literals;

inline std::size_t row_of(std::string_view field) {
  const auto rows = kernel_value_rows();
  std::size_t i = 0;
  while (rows[i].field != field) ++i;
  return i;
}

class CountedChannel final : public Channel {
 public:
  CountedChannel(std::vector<ReplayedDatagram> datagrams, int& count)
      : replay_(std::move(datagrams)), count_(count) {
    ++count_;
  }
  CountedChannel(const CountedChannel&) = delete;
  CountedChannel& operator=(const CountedChannel&) = delete;
  ~CountedChannel() override { --count_; }

  void send(std::span<const std::byte> bytes) override { replay_.send(bytes); }
  Datagram receive() override { return replay_.receive(); }
  std::uint32_t portid() const noexcept override { return replay_.portid(); }

 private:
  ReplayChannel replay_;
  int& count_;
};

// A host whose cgroup paths are the names of units, and whose clocks stand still.
class FakeHost {
 public:
  FakeHost() {
    policies.namespaces.collect = NamespaceCollect::counters;
    policies.sampling.interval = 5s;
  }

  FakeHost& collect_sockets() {
    policies.namespaces.collect = NamespaceCollect::sockets;
    policies.namespaces.opener_socket = "/the/opener";
    return *this;
  }

  FakeHost& with(const std::string& pid, const std::string& unit,
                 const FakeCounters& counters = {}) {
    proc.process(pid, "of_" + pid, unit).counts(pid, counters);
    return *this;
  }

  SampleResult turn(std::chrono::nanoseconds later = {}) {
    now += later;
    return namespaces_.take_turn(policies);
  }
  // Takes turns as the sampling loop does, for that long.
  void run(std::chrono::nanoseconds length) {
    for (const auto end = now + length; now + interval() <= end;)
      static_cast<void>(turn(interval()));
  }
  [[nodiscard]] std::chrono::nanoseconds interval() const { return namespaces_.interval(policies); }
  [[nodiscard]] const auto& snapshot() const { return namespaces_.snapshot(); }

  [[nodiscard]] std::uint32_t status(NamespaceStatus status) const {
    return snapshot()->statuses[index_of(status)];
  }
  // ListenDrops of the unit's namespaces. Nothing without a sample of it, or too old a one.
  [[nodiscard]] std::optional<std::uint64_t> drops(const std::string& unit) const {
    for (const NamespaceSample& sample : snapshot()->samples) {
      if (sample.owner->unit != unit || !sample.counters.is_fresh(now)) continue;
      return sample.counters.value->kernel.values[row_of("ListenDrops")];
    }
    return std::nullopt;
  }

  Policies policies;
  DumpBuilder sockets = DumpBuilder().done();  // of each namespace
  std::optional<std::uint64_t> cookie = 1;
  std::function<void()> open_fails = [] {};
  std::vector<NamespaceEntry> asked;
  std::string asked_at;
  int open_channels = 0;
  FakeProcesses proc;
  std::chrono::steady_clock::time_point now{1h};
  std::chrono::nanoseconds cpu_time{};
  std::chrono::nanoseconds each_call_costs{};  // of those that ask for the CPU time

 private:
  OpenedNamespace open(const std::string& path, const NamespaceEntry& entry) {
    asked.push_back(entry);
    asked_at = path;
    open_fails();
    return {std::make_unique<CountedChannel>(sockets.datagrams(), open_channels), cookie};
  }

  Namespaces namespaces_{
      {.procfs = proc.root(),
       .owner_of_cgroup = [](const std::string& path) { return Owner{.labels = {.unit = path}}; },
       .open = [this](const std::string& path,
                      const NamespaceEntry& entry) { return open(path, entry); },
       .scratch = std::make_shared<TallyScratch>(),
       .now = [this] { return now; },
       .cpu_time = [this] { return cpu_time += each_call_costs; }}};
};

}  // namespace sockdiag::test
