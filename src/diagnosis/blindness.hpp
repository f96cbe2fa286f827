// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sources of samples that do not tell how things are now.

#include <vector>

#include "history.hpp"
#include "sockdiag/core/finding.hpp"
#include "sockdiag/core/samples.hpp"

namespace sockdiag {

// Returns how many sources failed at the last attempt and which, then how many have not been
// sampled for too long and which; nothing if there are none. A source that has not been attempted
// yet, or that has nothing to do, is neither; nor are owners.
[[nodiscard]] std::vector<Measure> blindness_of(const Samples& samples, const History& history,
                                                History::TimePoint now);

// Returns the same where only the dump of sockets is too old.
[[nodiscard]] std::vector<Measure> blindness_of_old_dump();

}  // namespace sockdiag
