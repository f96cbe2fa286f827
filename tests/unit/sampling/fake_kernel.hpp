// SPDX-License-Identifier: Apache-2.0
#pragma once

// A kernel that answers what a test says, and the sources that sample it.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "sampling/tcp_tables.hpp"
#include "sockdiag/metrics/metric_families.hpp"
#include "sockdiag/sampling/sampler.hpp"
#include "support/dump_builder.hpp"
#include "support/replay_channel.hpp"

namespace sockdiag::test {
using namespace std::chrono_literals;

constexpr PortRange kEphemeral{32768, 60999};
constexpr std::size_t kTcp = 0;
constexpr std::size_t kListeners = 1;
constexpr std::size_t kKernel = 2;

inline EphemeralPorts::Reserved none_reserved() { return std::vector<PortRange>{}; }

inline DumpBuilder good() {
  return DumpBuilder().socket({.local = "127.0.0.1:33000", .remote = "127.0.0.1:80"}).done();
}

inline const SocketSpec kListener{
    .state = 10, .local = "0.0.0.0:80", .remote = "0.0.0.0:0", .drops = 5, .cookie = 1};

// A kernel that answers whatever the test says at that moment, and what came of sampling it.
class FakeKernel {
 public:
  DumpBuilder answer = good();
  std::string release{};
  std::optional<PortRange> range = kEphemeral;
  std::optional<std::uint64_t> listen_drops = 100;
  std::chrono::milliseconds time_wait_length = 60s;
  std::vector<std::string> problems{};
  std::function<std::optional<std::uint64_t>()> total_sockets = [] { return 3; };
  std::function<void()> opened = [] {};   // with each dump
  std::function<void()> sampled = [] {};  // with each sample of all sockets

  std::vector<Source> sources() {
    const auto kernel_files = files();
    return sources_of(tables(kernel_files), kernel_files);
  }

  Sampling sampling() {
    return {sources(), [this](std::shared_ptr<const Samples> samples) {
              const std::lock_guard lock(mutex_);
              samples_ = std::move(samples);
            }};
  }

  // One sample of all sockets, of tables that remember the ones before.
  TcpSnapshot sample() {
    if (tables_ == nullptr) tables_ = tables(files());
    static_cast<void>(tables_->sample({}, 60s));
    return *tables_->sockets();
  }

  // What was published last. Null before the first attempt.
  [[nodiscard]] std::shared_ptr<const Samples> samples() const {
    const std::lock_guard lock(mutex_);
    return samples_;
  }
  [[nodiscard]] std::string sockets_text() const { return text_of(&Samples::tcp); }
  [[nodiscard]] std::string listeners_text() const { return text_of(&Samples::listeners); }
  [[nodiscard]] std::string kernel_text() const { return text_of(&Samples::kernel); }
  [[nodiscard]] std::string statuses_text() const { return render(samples()->statuses); }
  [[nodiscard]] bool is_fresh(std::chrono::steady_clock::duration later = {}) const {
    return samples()->tcp.is_fresh(std::chrono::steady_clock::now() + later);
  }

 private:
  template <typename Value>
  std::string text_of(Sampled<Value> Samples::*source) const {
    const auto published = samples();
    const auto value = published == nullptr ? nullptr : ((*published).*source).value;
    return value == nullptr ? "" : render(*value);
  }

  std::shared_ptr<KernelFiles> files() {
    return std::make_shared<KernelFiles>(
        KernelFiles::Readers{.ephemeral_range =
                                 [this] {
                                   sampled();
                                   return range;
                                 },
                             .reserved_ports = none_reserved,
                             .total_sockets = [this] { return total_sockets(); },
                             .time_wait_length = [this] { return time_wait_length; },
                             .values = [this] { return values(); }});
  }

  std::shared_ptr<TcpTables> tables(std::shared_ptr<KernelFiles> kernel_files) {
    return std::make_shared<TcpTables>(
        TcpTables::Kernel{.open_channel =
                              [this] {
                                opened();
                                return std::make_unique<ReplayChannel>(answer.datagrams());
                              },
                          .listen_drops = [this] { return listen_drops_or_throw(); },
                          .release = release},
        std::move(kernel_files), std::make_shared<TallyScratch>());
  }

  KernelValues values() const {
    KernelValues values;
    values.values.resize(kernel_value_rows().size());
    values.values[0] = 42;
    values.problems = problems;
    return values;
  }

  std::uint64_t listen_drops_or_throw() const {
    if (!listen_drops) throw std::runtime_error("no netstat");
    return *listen_drops;
  }

  mutable std::mutex mutex_;
  std::shared_ptr<const Samples> samples_;
  std::shared_ptr<TcpTables> tables_;
};

}  // namespace sockdiag::test
