// SPDX-License-Identifier: Apache-2.0
#pragma once

// Looks for findings in samples and in what is remembered of the last minutes.
//
// Numbers of sockets are the least over the last half minute, or the last three samples if those
// take longer; right after the start, over the samples so far. Rates are those of the last minute.
// A rate over less than half a minute counts as one over half a minute, so that a burst is none.
// A finding begins when its condition holds and ends with the first publication in which it does
// not: `since` starts anew then. One sample below a threshold therefore ends a finding about
// numbers of sockets, for half a minute.
//
// Each other network namespace is diagnosed by itself, by the rules that do not ask for what it
// shares with the host; its findings have its owner's labels. Findings of the host that have a port
// name the owner of most of the sockets in question.
//
// Memory: 0.4 KiB for each port and direction, 0.7 KiB with bytes in its queues, up to 1.3 KiB in
// trouble. For the host and for each other network namespace 2 KiB, and 0.2 KiB for each of the
// kernel's values that changes. A healthy namespace of three ports takes 3 KiB, a busy one 5 KiB.

#include <chrono>
#include <memory>

#include "sockdiag/core/finding.hpp"
#include "sockdiag/core/finding_policy.hpp"
#include "sockdiag/core/samples.hpp"

namespace sockdiag {

// Not safe from two threads at a time.
class Diagnosis {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  Diagnosis();
  Diagnosis(const Diagnosis&) = delete;
  Diagnosis& operator=(const Diagnosis&) = delete;
  ~Diagnosis();

  // Takes the samples of each publication in turn, and returns what they show. A publication with
  // nothing new in it costs microseconds and returns the same findings. Throws std::bad_alloc; the
  // next call then takes the same samples.
  [[nodiscard]] std::shared_ptr<const Findings> examine(const Samples& samples,
                                                        const FindingPolicy& policy, TimePoint now);

 private:
  class Memory;
  std::unique_ptr<Memory> memory_;
};

// Returns `findings`, or what is left of them at a time when the samples are too old to be shown:
// that the diagnosis is incomplete. Safe from any thread.
[[nodiscard]] std::shared_ptr<const Findings> fresh_findings(
    const std::shared_ptr<const Findings>& findings, const Samples& samples,
    Diagnosis::TimePoint now);

}  // namespace sockdiag
