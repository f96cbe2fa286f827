// SPDX-License-Identifier: Apache-2.0
#pragma once

// Checks before CivetWeb starts, because it says little about what it lacks.

#include <sys/resource.h>

#include <vector>

#include "sockdiag/http/listen_address.hpp"

namespace sockdiag {

constexpr int kConnectionQueue = 64;  // accepted connections that wait for a worker

// Returns how many file descriptors the process needs with this many workers.
[[nodiscard]] rlim_t needed_descriptors(unsigned workers);

// Raises the soft limit of file descriptors if it is too low. Listens on all addresses for a
// moment, together, as CivetWeb is about to. Throws ServeError, with the first address that cannot
// be used and the reason in its text.
void check_start(const std::vector<ListenAddress>& addresses, unsigned workers);

}  // namespace sockdiag
