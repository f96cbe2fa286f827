// SPDX-License-Identifier: Apache-2.0
#pragma once

// Checks before CivetWeb starts, because it says little about what it lacks.

#include <sys/resource.h>

#include <cstddef>
#include <optional>
#include <vector>

#include "sockdiag/http/listen_address.hpp"

namespace sockdiag {

constexpr int kConnectionQueue = 64;  // accepted connections that wait for a worker

// Raises the soft limit of file descriptors if it is too low. Listens on all addresses for a
// moment, together, as the server is about to. Returns how many connections can wait for a worker.
// Throws ServeError, with the first address that cannot be used and the reason in its text.
[[nodiscard]] std::size_t check_start(const std::vector<ListenAddress>& addresses,
                                      unsigned workers);

// Returns how many connections can wait with this limit of file descriptors, or nothing if there
// are too few of them for the program.
[[nodiscard]] std::optional<std::size_t> waiting_within(rlim_t descriptors, std::size_t addresses,
                                                        unsigned workers) noexcept;

}  // namespace sockdiag
