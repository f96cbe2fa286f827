// SPDX-License-Identifier: Apache-2.0
#pragma once

// The sources of the running kernel, of the calling thread's network namespace.

#include <vector>

#include "sockdiag/sampling/source.hpp"

namespace sockdiag {

// All sockets ("tcp"), listeners alone ("listeners"), and counters and settings ("kernel"). None of
// them has been sampled yet. Sources that are due together are to be sampled in this order: the
// listeners wait for the first good sample of all sockets, which says what ports have series.
[[nodiscard]] std::vector<Source> kernel_sources();

}  // namespace sockdiag
