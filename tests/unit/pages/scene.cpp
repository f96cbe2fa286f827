// SPDX-License-Identifier: Apache-2.0
#include "scene.hpp"

#include <algorithm>

namespace sockdiag::test {

Scene::Scene() { kernel.values.resize(kernel_value_rows().size()); }

PortCounts& Scene::port_of(Direction direction, std::uint16_t port) {
  DirectionCounts& counts = tcp.directions[index_of(direction)];
  if (port == 0) return counts.other;
  const auto found = std::ranges::lower_bound(counts.ports, port, {}, &PortCounts::port);
  if (found != counts.ports.end() && found->port == port) return *found;
  return *counts.ports.insert(found, PortCounts{.port = port});
}

Scene& Scene::sockets(Direction direction, std::uint16_t port, TcpState state,
                      std::uint32_t count) {
  PortCounts& counts = port_of(direction, port);
  counts.sockets[index_of(state)] += count;
  counts.seen.add_states(counts.sockets);
  tcp.families[0][index_of(state)] += count;
  tcp.sockets += count;
  return *this;
}

Scene& Scene::listens(std::uint16_t port, const AcceptQueue& queue) {
  sockets(Direction::inbound, port, TcpState::listen, 1);
  inbound(port).accept_queue = queue;
  return *this;
}

Scene& Scene::finds(Finding finding) {
  findings.found.push_back(std::move(finding));
  return *this;
}

Exposition Scene::exposition() const {
  const auto until = now + std::chrono::seconds(is_stale ? -1 : 60);
  Samples samples;
  samples.tcp = {std::make_shared<const TcpSnapshot>(tcp), until};
  samples.listeners = {std::make_shared<const ListenerSnapshot>(listeners), until};
  samples.kernel = {std::make_shared<const KernelValues>(kernel), until};
  for (const std::string_view source : {"tcp", "listeners", "kernel"}) {
    samples.statuses.push_back({.source = source,
                                .success = true,
                                .last_success = std::chrono::system_clock::time_point(kSampledAt),
                                .interval = std::chrono::seconds(5),
                                .attempts = 1});
  }
  Exposition exposition;
  exposition.samples = std::make_shared<const Samples>(std::move(samples));
  exposition.findings = std::make_shared<const Findings>(findings);
  exposition.trend = std::make_shared<const Trend>(trend);
  return exposition;
}

}  // namespace sockdiag::test
