// SPDX-License-Identifier: Apache-2.0
#pragma once

// The kernel's files beside its tables of sockets: counters, limits and settings. The source
// "kernel" reports what is wrong with them, whoever has read them. Not thread-safe.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
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
  [[nodiscard]] auto ephemeral_range() { return if_readable(readers_.ephemeral_range); }
  [[nodiscard]] auto reserved_ports() { return if_readable(readers_.reserved_ports); }
  [[nodiscard]] auto total_sockets() { return if_readable(readers_.total_sockets); }
  [[nodiscard]] auto time_wait_length() { return if_readable(readers_.time_wait_length); }

  // Forgets the problems that the last dump met.
  void begin_dump() noexcept { problems_.clear(); }

  // The problem of the result names each file that could not be read, now or for the last dump.
  [[nodiscard]] SampleResult sample();

  // The last values; null before the first sample.
  [[nodiscard]] const std::shared_ptr<const KernelValues>& values() const noexcept {
    return values_;
  }

 private:
  using Lines = std::vector<std::string>;

  // Returns what `read` returns. If it throws, remembers the problem and returns nothing.
  template <typename Read>
  [[nodiscard]] auto if_readable(const Read& read) -> decltype(read()) {
    try {
      return read();
    } catch (const std::runtime_error& error) {
      add_once(problems_, error.what());
      return {};
    }
  }
  static void add_once(Lines& problems, const std::string& problem);

  Readers readers_;
  Lines problems_;  // that the last dump met, each once
  std::shared_ptr<const KernelValues> values_;
};

}  // namespace sockdiag
