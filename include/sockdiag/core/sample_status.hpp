// SPDX-License-Identifier: Apache-2.0
#pragma once

// How sampling goes, source by source: what the exporter says of itself. Plain values.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sockdiag {

// Where numbers come from, each on a clock of its own.
enum class SampleSource : std::uint8_t {
  tcp,        // the whole dump
  listeners,  // the dump of listeners only
  kernel,     // counters and limits in /proc
};

inline constexpr std::array<SampleSource, 3> kSampleSources = {
    SampleSource::tcp, SampleSource::listeners, SampleSource::kernel};

inline constexpr std::array<std::string_view, kSampleSources.size()> kSampleSourceNames = {
    "tcp", "listeners", "kernel"};

// Indexed by index_of(source).
template <typename Value>
using BySampleSource = std::array<Value, kSampleSources.size()>;

[[nodiscard]] constexpr std::size_t index_of(SampleSource source) noexcept {
  return static_cast<std::size_t>(source);
}

[[nodiscard]] constexpr std::string_view name_of(SampleSource source) noexcept {
  return kSampleSourceNames[index_of(source)];
}

struct SampleStatus {
  bool success = false;  // of the last attempt
  std::optional<std::chrono::system_clock::time_point> last_success;
  std::chrono::nanoseconds duration{};        // of the last attempt
  std::chrono::nanoseconds cpu_time_total{};  // of the attempts so far
  std::chrono::nanoseconds interval{};        // in force
  std::uint64_t attempts = 0;                 // failures among them
  std::uint64_t failures = 0;
};

}  // namespace sockdiag
