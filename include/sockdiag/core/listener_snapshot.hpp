// SPDX-License-Identifier: Apache-2.0
#pragma once

// The result of polling the listeners. An immutable value once published.

#include <cstdint>
#include <optional>
#include <vector>

namespace sockdiag {

struct ListenerCounts {
  std::uint16_t port = 0;               // 0: all ports without series of their own
  std::uint64_t accept_queue_peak = 0;  // sockets, of all listeners of the port together
  // A counter of the SYNs and ACKs that were certainly dropped at the port since the first poll.
  // Nothing if the last poll could not read what it is computed from.
  std::optional<std::uint64_t> drops;

  friend bool operator==(const ListenerCounts&, const ListenerCounts&) noexcept = default;
};

struct ListenerSnapshot {
  std::vector<ListenerCounts> ports;  // by ascending port
  ListenerCounts other;

  friend bool operator==(const ListenerSnapshot&, const ListenerSnapshot&) noexcept = default;
};

}  // namespace sockdiag
