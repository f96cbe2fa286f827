// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/port_memory.hpp"

#include <algorithm>

namespace sockdiag {

void PortMemory::append(Port port, PortCounts& counts) {
  port.seen.add_states(counts.sockets);
  port.seen.add_queues(counts.receive_queue_bytes, counts.send_queue_bytes);
  port.time_waits_started += counts.time_wait_started;
  counts.seen = port.seen;
  counts.time_wait_started = port.time_waits_started;
  ports_.push_back(port);
}

void PortMemory::append_without_series(Port port) {
  port.seen = {};
  ports_.push_back(port);
}

PortMemory PortMemory::after(DirectionCounts& counts) const {
  PortMemory next;
  next.ports_.reserve(std::max(ports_.size(), counts.ports.size() + 1));
  auto known = ports_.begin();
  const auto take = [&](PortCounts& each) {
    for (; known != ports_.end() && known->port < each.port; ++known) {
      next.append_without_series(*known);
    }
    const bool is_known = known != ports_.end() && known->port == each.port;
    next.append(is_known ? *known++ : Port{.port = each.port}, each);
  };
  take(counts.other);
  for (PortCounts& each : counts.ports) take(each);
  for (; known != ports_.end(); ++known) next.append_without_series(*known);
  return next;
}

}  // namespace sockdiag
