// SPDX-License-Identifier: Apache-2.0
#pragma once

// What polling the listeners came to: an immutable value once published.

#include <cstdint>
#include <vector>

namespace sockdiag {

struct ListenerCounts {
  std::uint16_t port = 0;               // 0 for all the ports that have no series of their own
  std::uint64_t accept_queue_peak = 0;  // sockets, all listeners of the port together
  std::uint64_t drops = 0;              // a counter: SYNs and ACKs dropped so far
};

struct ListenerSnapshot {
  std::vector<ListenerCounts> ports;  // by ascending port
  ListenerCounts other;
  bool drops_known = true;  // whether the kernel tells them
};

}  // namespace sockdiag
