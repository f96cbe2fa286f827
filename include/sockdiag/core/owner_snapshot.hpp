// SPDX-License-Identifier: Apache-2.0
#pragma once

// The full sockets of one dump by owner, direction, port and state. Request and time-wait sockets
// have no owner. For each direction, port and state, the sum over owners is the number of sockets
// in TcpSnapshot less those. An immutable value once published.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sockdiag/core/close_wait_cause.hpp"
#include "sockdiag/core/direction.hpp"
#include "sockdiag/core/owner.hpp"
#include "sockdiag/core/tcp_snapshot.hpp"

namespace sockdiag {

// The full sockets of one owner, direction and port.
struct OwnerCounts {
  std::size_t owner = 0;  // index in OwnerSnapshot::owners
  Direction direction{};
  std::uint16_t port = 0;  // 0: all ports without series of their own
  Seen seen{};             // since these counts have had series
  StateCounts sockets{};
  std::array<std::uint32_t, kCloseWaitCauseCount> close_wait_causes{};
  ByPassingState<std::uint32_t> lingering{};
};

struct OwnerSnapshot {
  std::vector<Owner> owners;        // no two have the same labels
  std::vector<OwnerCounts> counts;  // by direction, port and labels
};

}  // namespace sockdiag
