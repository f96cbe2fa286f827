// SPDX-License-Identifier: Apache-2.0
#pragma once

// From which numbers on diagnosis speaks of a finding. config/sockdiag_exporter.yml argues each
// default. The alert rules use the same numbers.

#include <string>
#include <vector>

#include "sockdiag/core/port_list.hpp"
#include "sockdiag/core/port_names.hpp"

namespace sockdiag {

struct FindingPolicy {
  std::vector<std::string> disable;  // names of findings that are never looked for

  // Ports at which somebody wants a service to listen: ports.inbound of the configuration.
  PortList expected_listeners;

  PortNames port_names;  // what the operator calls ports

  // Sockets, the least over the window.
  double close_wait_inbound = 20;
  double close_wait_outbound = 50;
  double close_wait_growing = 50;
  double close_wait_growth = 1.2;   // times as many as 15 minutes ago
  double unacknowledged = 50;       // lingering in FIN_WAIT1 or LAST_ACK
  double unacknowledged_opens = 5;  // and more than this many seconds of opens
  double closing = 10;
  double syn_recv = 10;
  double syn_recv_warning = 50;
  double syn_recv_opens = 3;  // seconds of passive opens
  double syn_sent = 10;
  double fin_wait2 = 100;
  double hidden_sockets = 1000;
  double folded_sockets = 100;

  // Events a second.
  double listener_drops = 0.1;
  double request_queue_full = 10;
  double attempt_failures = 1;
  double time_wait_rate = 50;
  double time_wait_overflows = 0.1;
  double aborts = 0.1;

  // Shares.
  double accept_queue = 0.9;
  double attempt_failures_share = 0.1;
  double ephemeral_ports = 0.8;
  double ephemeral_ports_critical = 0.95;
  double time_wait_share = 0.8;  // of the passive opens
  double time_wait_limit = 0.8;
  double orphans = 0.2;
  double tcp_memory = 0.8;
  double tcp_memory_pressure = 0.67;
  double folded_share = 0.1;

  // Bytes.
  double queue_bytes = 1'048'576;
  double send_queue_socket_bytes = 65'536;

  friend bool operator==(const FindingPolicy&, const FindingPolicy&) noexcept = default;
};

}  // namespace sockdiag
