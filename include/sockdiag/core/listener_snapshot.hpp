// SPDX-License-Identifier: Apache-2.0
#pragma once

// What polling the listeners came to: an immutable value once published.

#include <cstdint>
#include <optional>
#include <vector>

namespace sockdiag {

struct ListenerCounts {
  std::uint16_t port = 0;               // 0 for all the ports that have no series of their own
  std::uint64_t accept_queue_peak = 0;  // sockets, all listeners of the port together
  // A counter: SYNs and ACKs that were certainly dropped at the port since the first poll. Nothing
  // where the last poll could not tell.
  std::optional<std::uint64_t> drops;

  friend bool operator==(const ListenerCounts&, const ListenerCounts&) noexcept = default;
};

struct ListenerSnapshot {
  std::vector<ListenerCounts> ports;  // by ascending port
  ListenerCounts other;

  friend bool operator==(const ListenerSnapshot&, const ListenerSnapshot&) noexcept = default;
};

}  // namespace sockdiag
