// SPDX-License-Identifier: Apache-2.0
#pragma once

// What an exposition shows at one time, to the page and to the JSON: values that are too old are
// left out. Points into the exposition, which must outlive it. Safe from any thread.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sockdiag/pages/exposition.hpp"

namespace sockdiag {

struct PortView {
  Direction direction;
  const PortCounts* counts;      // never null
  const ListenerCounts* polled;  // null if the port has no listener, or it was not polled

  [[nodiscard]] bool has_accept_queue() const noexcept {
    return direction == Direction::inbound && counts->seen.state(TcpState::listen);
  }
};

struct View {
  View(const Exposition& exposition, Diagnosis::TimePoint time);

  const Samples* samples;  // null before the first sample
  const TcpSnapshot* tcp;  // null if there is no fresh one; so are the others
  const ListenerSnapshot* listeners;
  const KernelValues* kernel;
  const OwnerSnapshot* owners;
  const NamespacesSnapshot* namespaces;
  std::shared_ptr<const Findings> findings;  // never null
  const Trend* trend;                        // null before the first sample
  const PortNames* names;                    // null before the first sample
  Diagnosis::TimePoint now;

  // Returns false while there are no sockets to look at, or too little is known of them.
  [[nodiscard]] bool is_complete() const noexcept;

  // Returns the time of the last good sample of the sockets.
  [[nodiscard]] std::optional<std::chrono::system_clock::time_point> sampled_at() const noexcept;

  // Returns the sockets of the host by state; zeros without a fresh sample.
  [[nodiscard]] StateCounts totals() const noexcept;

  // Returns what the operator calls the port; empty if it has no name. Points into the exposition.
  [[nodiscard]] std::string_view port_name(std::uint16_t port) const noexcept;

  // Returns the sockets of one owner's namespaces by state; nothing without fresh ones.
  [[nodiscard]] std::optional<StateCounts> totals_of(const NamespaceSample& sample) const noexcept;
  // Returns their counters, or null without fresh ones.
  [[nodiscard]] const NamespaceCounters* counters_of(const NamespaceSample& sample) const noexcept;

  // Returns all ports, "other" as the last of each direction; none without a fresh sample.
  [[nodiscard]] std::vector<PortView> ports() const;

  // Returns the value of a row of kernel_value_rows().
  [[nodiscard]] std::optional<std::uint64_t> kernel_value(std::string_view metric) const noexcept;
};

}  // namespace sockdiag
