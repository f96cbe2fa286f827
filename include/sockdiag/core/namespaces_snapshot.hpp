// SPDX-License-Identifier: Apache-2.0
#pragma once

// What is known of the host's other network namespaces. An immutable value once published.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "sockdiag/core/kernel_values.hpp"
#include "sockdiag/core/listener_snapshot.hpp"
#include "sockdiag/core/owner.hpp"
#include "sockdiag/core/sampled.hpp"
#include "sockdiag/core/tcp_snapshot.hpp"

namespace sockdiag {

// How the last visit of a namespace went.
enum class NamespaceStatus : std::uint8_t {
  sampled,  // its sockets and its counters were read
  counted,  // its counters alone
  skipped,  // not visited: there are more than namespaces.max_namespaces
  failed
};

inline constexpr std::array<std::string_view, 4> kNamespaceStatusNames = {"sampled", "counted",
                                                                          "skipped", "failed"};

[[nodiscard]] constexpr std::size_t index_of(NamespaceStatus status) noexcept {
  return static_cast<std::size_t>(status);
}

// What the kernel counts of a namespace. Values of the whole host, and settings, are missing.
struct NamespaceCounters {
  KernelValues kernel;
  std::optional<std::uint64_t> open;       // TCP inuse and TCP6 inuse of sockstat
  std::optional<std::uint64_t> connected;  // CurrEstab of snmp: ESTABLISHED and CLOSE_WAIT
  std::optional<std::uint64_t> time_wait;  // tw of sockstat, orphaned FIN_WAIT2 included

  friend bool operator==(const NamespaceCounters&, const NamespaceCounters&) noexcept = default;
};

// The namespaces of one owner. If there are several, their numbers are added up.
struct NamespaceSample {
  SharedOwnerLabels owner;  // never empty
  std::uint32_t namespaces = 1;
  Sampled<NamespaceCounters> counters;
  Sampled<TcpSnapshot> tcp;  // null if sockets are not collected
  Sampled<ListenerSnapshot> listeners;
};

struct NamespacesSnapshot {
  std::vector<NamespaceSample> samples;  // by labels, no two with the same
  std::array<std::uint32_t, kNamespaceStatusNames.size()> statuses{};  // namespaces by status
  std::chrono::nanoseconds rotation{};  // from one visit of a namespace to the next
};

}  // namespace sockdiag
