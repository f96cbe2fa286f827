// SPDX-License-Identifier: Apache-2.0

// The families of owners: whose the sockets of the exporter's own network namespace are.

#include <set>

#include "family_text.hpp"

namespace sockdiag {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

// Calls fill(counts, direction, port, owner) for each owner, direction and port.
template <typename Fill>
void for_each_count(const OwnedSockets& sockets, const Fill& fill) {
  if (sockets.owners == nullptr) return;
  for (const OwnerCounts& counts : sockets.owners->counts) {
    fill(counts, name_of(counts.direction), port_label(counts.port),
         sockets.owners->owners[counts.owner].labels);
  }
}

template <typename Value>
void add_owned(MetricFamily& family, Labels labels, const OwnerLabels& owner, const Value& value) {
  add(family, labels, value);
  add_owner(family.metric.back(), owner);
}

// No TIME_WAIT has an owner: a zero would be wrong.
void fill_sockets(const OwnedSockets& sockets, MetricFamily& family) {
  for_each_count(sockets, [&](const OwnerCounts& counts, std::string_view direction,
                              const std::string& port, const OwnerLabels& owner) {
    for (std::size_t i = 0; i < kTcpStateCount; ++i) {
      const auto state = static_cast<TcpState>(i + 1);
      if (state == TcpState::time_wait || !counts.seen.state(state)) continue;
      add_owned(family, {{"direction", direction}, {"port", port}, {"state", name_of(state)}},
                owner, counts.sockets[i]);
    }
  });
}

void fill_close_wait(const OwnedSockets& sockets, MetricFamily& family) {
  for_each_count(sockets, [&](const OwnerCounts& counts, std::string_view direction,
                              const std::string& port, const OwnerLabels& owner) {
    if (!counts.seen.state(TcpState::close_wait)) return;
    for (std::size_t i = 0; i < kCloseWaitCauseCount; ++i) {
      const bool is_listeners = static_cast<CloseWaitCause>(i) == CloseWaitCause::not_accepted;
      const std::uint32_t count = counts.close_wait_causes[i];
      if (is_listeners && counts.direction == Direction::outbound && count == 0) continue;
      add_owned(family,
                {{"direction", direction}, {"port", port}, {"cause", kCloseWaitCauseNames[i]}},
                owner, count);
    }
  });
}

void fill_lingering(const OwnedSockets& sockets, MetricFamily& family) {
  for_each_count(sockets, [&](const OwnerCounts& counts, std::string_view direction,
                              const std::string& port, const OwnerLabels& owner) {
    for (std::size_t i = 0; i < kPassingStateCount; ++i) {
      const TcpState state = kPassingStates[i];
      if (!counts.seen.state(state)) continue;
      add_owned(family, {{"direction", direction}, {"port", port}, {"state", name_of(state)}},
                owner, counts.lingering[i]);
    }
  });
}

void add_listener(MetricFamily& family, std::uint16_t port, const OwnedSockets& sockets,
                  const OwnerLabels& owner) {
  const std::string_view name =
      sockets.names == nullptr ? std::string_view() : name_of_port(*sockets.names, port);
  if (name.empty()) {
    add_owned(family, {{"port", std::to_string(port)}}, owner, 1);
  } else {
    add_owned(family, {{"port", std::to_string(port)}, {"name", name}}, owner, 1);
  }
}

// A port that has a name is shown even if its listeners have no owner.
void fill_listeners(const OwnedSockets& sockets, MetricFamily& family) {
  const std::size_t listen = index_of(TcpState::listen);
  std::set<std::uint16_t> shown;
  for_each_count(sockets, [&](const OwnerCounts& counts, std::string_view, const std::string&,
                              const OwnerLabels& owner) {
    if (counts.port == 0 || counts.sockets[listen] == 0) return;
    add_listener(family, counts.port, sockets, owner);
    shown.insert(counts.port);
  });
  if (sockets.tcp == nullptr || sockets.names == nullptr) return;
  for (const PortCounts& port : sockets.tcp->of(Direction::inbound).ports) {
    const bool is_named = !name_of_port(*sockets.names, port.port).empty();
    if (!is_named || port.sockets[listen] == 0 || shown.contains(port.port)) continue;
    add_listener(family, port.port, sockets, {});
  }
}

void add_label(prometheus::ClientMetric& metric, std::string_view name, const std::string& value) {
  if (!value.empty()) metric.label.push_back({std::string(name), value});
}

void fill_info(const OwnedSockets& sockets, MetricFamily& family) {
  if (sockets.owners == nullptr) return;
  for (const Owner& owner : sockets.owners->owners) {
    add_owned(family, {}, owner.labels, 1);
    auto& metric = family.metric.back();
    add_label(metric, "runtime", owner.runtime);
    if (owner.labels.pod_uid.empty()) add_label(metric, "pod_uid", owner.pod_uid);
    add_label(metric, "container_id", owner.container_id);
    add_label(metric, "cgroup", owner.cgroup);
  }
}

constexpr auto kOwnerFamilies = std::to_array<FamilyRow<OwnedSockets>>({
    {"sockdiag_tcp_owner_sockets", MetricType::Gauge, "direction, port, state, owner labels",
     "TCP sockets by direction, service port, state and owner: the cgroup in which they were made. "
     "TIME_WAIT, SYN_RECV and orphaned FIN_WAIT2 have no owner and are not counted. The sum over "
     "the owners of a direction, port and state equals sockdiag_tcp_sockets without them.",
     fill_sockets},
    {"sockdiag_tcp_owner_close_wait_sockets", MetricType::Gauge,
     "direction, port, cause, owner labels",
     "CLOSE_WAIT sockets by owner and by what the application has not done yet (see "
     "sockdiag_tcp_close_wait_sockets).",
     fill_close_wait},
    {"sockdiag_tcp_owner_lingering_sockets", MetricType::Gauge,
     "direction, port, state, owner labels",
     "Sockets by owner that have stayed in a passing state for at least its lingering threshold "
     "(see sockdiag_tcp_lingering_sockets). Sockets that have no owner are not counted.",
     fill_lingering},
    {"sockdiag_tcp_listener_info", MetricType::Gauge, "port, name, owner labels",
     "Who listens on the port, and its name in ports.names. Always 1. Inbound TIME_WAIT and "
     "SYN_RECV sockets have no owner: find it here by port.",
     fill_listeners},
    {"sockdiag_owner_info", MetricType::Gauge,
     "owner labels, runtime, pod_uid, container_id, cgroup",
     "What else is known of an owner: its container runtime, the ids of its pod and container, and "
     "the path of its cgroup. Always 1.",
     fill_info},
});

}  // namespace

std::span<const FamilyRow<OwnedSockets>> owner_families() noexcept { return kOwnerFamilies; }

std::string render(const OwnedSockets& sockets, const FamilyPatterns& excluded) {
  return render_table(kOwnerFamilies, sockets, excluded);
}

}  // namespace sockdiag
