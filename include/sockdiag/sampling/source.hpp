// SPDX-License-Identifier: Apache-2.0
#pragma once

// A source of values, as the sampling loop sees it. The loop calls all functions on one thread.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sockdiag/core/policy.hpp"
#include "sockdiag/core/samples.hpp"

namespace sockdiag {

// What one attempt came to.
struct SampleResult {
  bool attempted = true;  // false while the source waits for another one
  std::string problem{};  // what could not be read beside the values; empty if nothing is wrong
  // True if the source works in turns and has not been through since it began.
  bool has_more = false;
};

struct Source {
  using TimePoint = std::chrono::steady_clock::time_point;

  std::string_view name;  // of static lifetime

  // The interval that the operator asks for.
  std::function<std::chrono::nanoseconds(const Policies&)> interval;

  // The source whose each attempt is followed by one of this source, before both are published.
  // Empty: none; then it is sampled on its own clock. One that follows has the other's interval,
  // and the other's share of the budget pays for both.
  std::string_view follows{};

  // Share of the CPU budget that the source may use. Nothing: what the other sources leave.
  std::optional<double> share_of_budget;

  // Reads the values anew and keeps them. Throws where there are none; then the last good values
  // stay.
  std::function<SampleResult(const Policies&)> sample;

  // Sets the source's member of `samples` to its last good values.
  std::function<void(Samples& samples, TimePoint withdrawn_after)> show;

  // Share of one CPU that the source may use beside sampling.cpu_budget. Such a source may do its
  // work in turns: `interval` is then the time from the last turn to the next. Empty: the source
  // has no budget of its own.
  std::function<double(const Policies&)> own_budget{};

  // Returns false if the operator does not want the source: it is neither sampled nor shown, and
  // has no status.
  std::function<bool(const Policies&)> is_wanted = [](const Policies&) { return true; };

  // Frees what the source keeps. Called once after the operator no longer wants it.
  std::function<void()> forget = [] {};
};

// Returns the sources of the running kernel, none of them sampled yet. Of the calling thread's
// network namespace: all sockets ("tcp"), whose they are ("owners"), listeners alone ("listeners"),
// and counters and settings ("kernel"). Of the host's other network namespaces: "namespaces".
// Sample sources that are due together in this order: the listeners wait for the first good sample
// of all sockets, which chooses the ports that have series.
[[nodiscard]] std::vector<Source> kernel_sources(const HostPaths& paths);

}  // namespace sockdiag
