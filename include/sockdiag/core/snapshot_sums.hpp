// SPDX-License-Identifier: Apache-2.0
#pragma once

// Adds up what was counted apart. Pure functions. Those that are not noexcept may throw
// std::bad_alloc.

#include <array>
#include <cstddef>
#include <cstdint>

#include "sockdiag/core/listener_snapshot.hpp"
#include "sockdiag/core/namespaces_snapshot.hpp"
#include "sockdiag/core/tcp_snapshot.hpp"

namespace sockdiag {

// Adds each number to the one at its place.
template <std::size_t Size>
void add_each(std::array<std::uint32_t, Size>& to,
              const std::array<std::uint32_t, Size>& from) noexcept {
  for (std::size_t i = 0; i < Size; ++i) to[i] += from[i];
}

// Adds the counts of full sockets by cgroup or by owner: CgroupCounts or OwnerCounts.
template <typename To, typename From>
void add_full_sockets(To& to, const From& from) noexcept {
  add_each(to.sockets, from.sockets);
  add_each(to.close_wait_causes, from.close_wait_causes);
  add_each(to.lingering, from.lingering);
}

// Returns the sockets of a port without its listeners: SO_REUSEPORT gives an idle port as many as
// there are workers.
[[nodiscard]] std::uint64_t connections(const PortCounts& counts) noexcept;

// Adds the counts of a port to those of another one, or of the same one elsewhere. Leaves out
// `port` and `seen`.
void add_counts(PortCounts& to, const PortCounts& from) noexcept;

// Adds what another network namespace has: each port to the same port, and what either has seen.
// What belongs to one namespace alone (`ephemeral`, `by_cgroup`) stays as it is. A total that one
// of them lacks is missing from the sum.
void add(TcpSnapshot& to, const TcpSnapshot& from);

// The peaks are added up, too: the sum is never under the queue that all have together. Drops that
// one of them lacks are missing from the sum.
void add(ListenerSnapshot& to, const ListenerSnapshot& from);

// Adds the gauges: `open`, `connected` and `time_wait`. A number that only one of them has is the
// sum.
void add_gauges(NamespaceCounters& to, const NamespaceCounters& from) noexcept;

}  // namespace sockdiag
