// SPDX-License-Identifier: Apache-2.0
#pragma once

// Looks for findings in samples and in what is remembered of the last minutes.

#include <chrono>
#include <memory>

#include "sockdiag/core/finding.hpp"
#include "sockdiag/core/finding_policy.hpp"
#include "sockdiag/core/samples.hpp"

namespace sockdiag {

// Remembers a fixed number of bytes for each port. Not safe from two threads at a time.
class Diagnosis {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  Diagnosis();
  Diagnosis(const Diagnosis&) = delete;
  Diagnosis& operator=(const Diagnosis&) = delete;
  ~Diagnosis();

  // Takes the samples of each publication in turn, and returns what they show. Throws
  // std::bad_alloc.
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
