// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "sockdiag/http/listen_address.hpp"

namespace sockdiag {

// Listens on all the addresses for a moment, as CivetWeb is about to, because CivetWeb does not
// say in a usable form which one it cannot have. `both_families`: whether `any` stands for IPv6 as
// well. Throws ServeError, which names the first address that cannot be had, and the reason.
void check_bind(const std::vector<ListenAddress>& addresses, bool both_families);

}  // namespace sockdiag
