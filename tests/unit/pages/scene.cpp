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

Scene& Scene::has_owners() {
  owners.emplace();
  owners->owners = {{{"shop", "cart-7d9", "app", "", ""}, "containerd", "", "", ""},
                    {{"", "", "", "nginx.service", ""}, "systemd", "", "", ""}};
  OwnerCounts leak{.owner = 0, .direction = Direction::inbound, .port = 8443};
  leak.sockets[index_of(TcpState::close_wait)] = 7;
  leak.close_wait_causes[index_of(CloseWaitCause::not_closed)] = 7;
  OwnerCounts web{.owner = 1, .direction = Direction::inbound, .port = 80};
  web.sockets[index_of(TcpState::listen)] = 2;
  owners->counts = {web, leak};

  const auto until = now + std::chrono::seconds(60);
  TcpSnapshot pod;
  pod.families[0][index_of(TcpState::established)] = 1234;
  NamespaceSample sampled;
  sampled.owner = OwnerLabels{"shop", "mail-x2", "", "", ""};
  sampled.tcp = {std::make_shared<const TcpSnapshot>(pod), until};
  sampled.counters = {std::make_shared<const NamespaceCounters>(NamespaceCounters{{}, 5, 4, 0}),
                      until};
  NamespaceSample counted;
  counted.owner = OwnerLabels{"", "", "", "db.service", ""};
  counted.namespaces = 2;
  counted.counters = sampled.counters;
  namespaces.emplace();
  namespaces->samples = {counted, sampled};
  namespaces->statuses = {1, 2, 0, 0};
  namespaces->rotation = std::chrono::milliseconds(7500);
  return *this;
}

Exposition Scene::exposition() const {
  const auto until = now + std::chrono::seconds(is_stale ? -1 : 60);
  Samples samples;
  samples.tcp = {std::make_shared<const TcpSnapshot>(tcp), until};
  samples.listeners = {std::make_shared<const ListenerSnapshot>(listeners), until};
  samples.kernel = {std::make_shared<const KernelValues>(kernel), until};
  if (owners) samples.owners = {std::make_shared<const OwnerSnapshot>(*owners), until};
  if (namespaces) {
    samples.namespaces = {std::make_shared<const NamespacesSnapshot>(*namespaces), until};
  }
  for (const std::string_view source : {"tcp", "listeners", "kernel"}) {
    samples.statuses.push_back({.source = source,
                                .success = true,
                                .last_success = std::chrono::system_clock::time_point(kSampledAt),
                                .interval = std::chrono::seconds(5),
                                .attempts = 1});
  }
  Exposition exposition;
  exposition.samples = std::make_shared<const Samples>(std::move(samples));
  exposition.port_names = std::make_shared<const PortNames>(port_names);
  exposition.findings = std::make_shared<const Findings>(findings);
  exposition.trend = std::make_shared<const Trend>(trend);
  return exposition;
}

}  // namespace sockdiag::test
