// SPDX-License-Identifier: Apache-2.0
#pragma once

// Adds up what was counted apart. Pure functions. Those that are not noexcept may throw
// std::bad_alloc.

#include "sockdiag/core/listener_snapshot.hpp"
#include "sockdiag/core/namespaces_snapshot.hpp"
#include "sockdiag/core/tcp_snapshot.hpp"

namespace sockdiag {

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
