// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sources of samples that do not tell how things are now.

#include "history.hpp"
#include "sockdiag/core/samples.hpp"

namespace sockdiag {

struct Blindness {
  int failing = 0;  // sources whose last attempt failed
  int stale = 0;    // sources that have not been sampled for too long

  friend bool operator==(const Blindness&, const Blindness&) noexcept = default;
};

// A source that has not been attempted yet, or that has nothing to do, is neither; nor are owners.
[[nodiscard]] Blindness blindness_of(const Samples& samples, const History& history,
                                     History::TimePoint now);

}  // namespace sockdiag
