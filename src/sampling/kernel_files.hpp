// SPDX-License-Identifier: Apache-2.0
#pragma once

// The kernel's files beside its tables of sockets: counters, limits and settings. The source
// "kernel" reports what is wrong with them, whoever has read them. Not thread-safe.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sockdiag/core/kernel_values.hpp"
#include "sockdiag/sampling/source.hpp"
#include "sockdiag/tally/ephemeral_ports.hpp"

namespace sockdiag {

class KernelFiles {
 public:
  // A test answers instead of the kernel. All but `values` may throw std::runtime_error.
  struct Readers {
    std::function<std::optional<PortRange>()> ephemeral_range;
    std::function<EphemeralPorts::Reserved()> reserved_ports;
    // The sockets of the kernel's own totals.
    std::function<std::optional<std::uint64_t>()> total_sockets;
    // Nothing where the kernel's usual one holds.
    std::function<std::optional<std::chrono::milliseconds>()> time_wait_length = [] {
      return std::nullopt;
    };
    std::function<KernelValues()> values = [] { return KernelValues{}; };
  };

  explicit KernelFiles(Readers readers) : readers_(std::move(readers)) {}

  // What a dump needs. Each returns nothing where the file cannot be read.
  [[nodiscard]] std::optional<PortRange> ephemeral_range();
  [[nodiscard]] EphemeralPorts::Reserved reserved_ports();
  [[nodiscard]] std::optional<std::uint64_t> total_sockets();
  [[nodiscard]] std::optional<std::chrono::milliseconds> time_wait_length();

  // Forgets the problems that the last dump met.
  void begin_dump() noexcept { problems_.clear(); }

  // The problem of the result names each file that could not be read, now or for the last dump.
  [[nodiscard]] SampleResult sample();

  // The last values; null before the first sample.
  [[nodiscard]] const std::shared_ptr<const KernelValues>& values() const noexcept {
    return values_;
  }

 private:
  template <typename Read>
  [[nodiscard]] auto if_readable(const Read& read) -> decltype(read());

  Readers readers_;
  std::vector<std::string> problems_;  // that the last dump met, each once
  std::shared_ptr<const KernelValues> values_;
};

[[nodiscard]] KernelFiles running_kernel_files();

}  // namespace sockdiag
