// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the operator can set about sampling and counting. Plain values with the program's defaults.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "sockdiag/core/port_list.hpp"
#include "sockdiag/core/tcp_state.hpp"

namespace sockdiag {

struct PortPolicy {
  PortList inbound;             // always tracked, with or without a listener
  PortList outbound;            // always tracked, also inside the ephemeral range
  PortList exclude;             // never tracked; has none of the ports above
  std::size_t max_ports = 100;  // per direction, with those above
  // For how long a port keeps its series and its direction after its listener (inbound) or its last
  // socket (outbound) has gone.
  std::chrono::milliseconds port_retention = std::chrono::minutes(10);

  friend bool operator==(const PortPolicy&, const PortPolicy&) noexcept = default;
};

// Which destinations to show with the ephemeral ports that they use.
struct DestinationPolicy {
  std::size_t busiest = 5;
  bool export_addresses = false;

  friend bool operator==(const DestinationPolicy&, const DestinationPolicy&) noexcept = default;
};

struct LifetimePolicy {
  std::size_t max_sockets = 500'000;  // most sockets that are followed at a time
  // Time in a state from which a socket counts as lingering.
  ByPassingState<std::chrono::milliseconds> thresholds = {
      std::chrono::seconds(10), std::chrono::seconds(5),  std::chrono::seconds(10),
      std::chrono::seconds(90), std::chrono::seconds(10), std::chrono::seconds(60),
      std::chrono::seconds(10)};

  friend bool operator==(const LifetimePolicy&, const LifetimePolicy&) noexcept = default;
};

// Everything that TcpTally needs.
struct TcpPolicy {
  PortPolicy ports;
  LifetimePolicy lifetimes;
  DestinationPolicy destinations;
  bool by_cgroup = false;  // whether to count sockets by cgroup, too

  friend bool operator==(const TcpPolicy&, const TcpPolicy&) noexcept = default;
};

// How often to sample sources, and what that may cost.
struct SamplingPolicy {
  std::chrono::milliseconds interval = std::chrono::seconds(5);
  double cpu_budget = 0.05;  // of one CPU
  std::chrono::milliseconds max_staleness = std::chrono::seconds(60);
};

struct ListenerPolicy {
  std::chrono::milliseconds interval = std::chrono::seconds(1);
  std::chrono::milliseconds peak_window = std::chrono::seconds(60);
};

struct OwnerPolicy {
  bool enabled = true;
  std::size_t max_owners = 100;  // with series of their own
  std::size_t max_ports =
      200;  // combinations of owner, direction and port with series of their own
};

// What to read of other network namespaces.
enum class NamespaceCollect : std::uint8_t { none, counters, sockets };

struct NamespacePolicy {
  NamespaceCollect collect = NamespaceCollect::none;
  double cpu_budget = 0.02;          // of one CPU
  std::size_t max_namespaces = 250;  // to be visited
  std::size_t max_ports = 200;       // with series of their own, of all namespaces together
  std::string opener_socket = "/run/sockdiag_opener/socket";
};

// All that the sampling loop follows.
struct Policies {
  SamplingPolicy sampling;
  ListenerPolicy listeners;
  TcpPolicy tcp;
  OwnerPolicy owners;
  NamespacePolicy namespaces;
};

// Where the host's files are. In a container they are mounted somewhere else.
struct HostPaths {
  std::string procfs = "/proc";  // of the processes of other network namespaces
  std::string cgroup = "/sys/fs/cgroup";
  std::string container_logs = "/var/log/containers";  // kubelet's links, whose names name pods
};

}  // namespace sockdiag
