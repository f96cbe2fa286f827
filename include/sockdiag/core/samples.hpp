// SPDX-License-Identifier: Apache-2.0
#pragma once

// What sampling publishes: the last good values of each source, and how sampling goes. An immutable
// value once published: any number of threads may read it. Metrics are one view of it.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "sockdiag/core/kernel_values.hpp"
#include "sockdiag/core/listener_snapshot.hpp"
#include "sockdiag/core/namespaces_snapshot.hpp"
#include "sockdiag/core/owner_snapshot.hpp"
#include "sockdiag/core/sampled.hpp"
#include "sockdiag/core/tcp_snapshot.hpp"

namespace sockdiag {

// How sampling one source goes.
struct SampleStatus {
  std::string_view source;  // its name, of static lifetime
  bool success = false;     // of the last attempt
  std::optional<std::chrono::system_clock::time_point> last_success;
  std::chrono::nanoseconds duration{};        // of the last attempt
  std::chrono::nanoseconds cpu_time_total{};  // of the attempts so far
  std::chrono::nanoseconds interval{};        // in force
  std::uint64_t attempts = 0;                 // failures among them
  std::uint64_t failures = 0;
  bool idle = false;  // it has nothing to do now: it waits for another source, or is not wanted
};

using SampleStatuses = std::vector<SampleStatus>;

struct Samples {
  Sampled<TcpSnapshot> tcp;                // the dump of all sockets
  Sampled<ListenerSnapshot> listeners;     // the polls of listeners alone
  Sampled<KernelValues> kernel;            // the counters and settings in /proc
  Sampled<OwnerSnapshot> owners;           // whose the sockets of `tcp` are
  Sampled<NamespacesSnapshot> namespaces;  // the other network namespaces
  SampleStatuses statuses;                 // one for each source, in the order of the exposition
};

}  // namespace sockdiag
