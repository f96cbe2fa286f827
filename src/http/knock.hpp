// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sockdiag/http/listen_address.hpp"

namespace sockdiag {

// Connects to a listening socket of this process and closes at once: that wakes whoever waits
// in accept(). Neither blocks nor fails.
void knock(const ListenAddress& address) noexcept;

}  // namespace sockdiag
