// SPDX-License-Identifier: Apache-2.0
#include "namespace_sockets.hpp"

#include <stdexcept>
#include <utility>

#include "sockdiag/procfs/kernel_release.hpp"
#include "sockdiag/procfs/kernel_value_reader.hpp"

namespace sockdiag {
namespace {

// The sockets of other namespaces have no series for configured ports that nobody uses, for
// destinations, or by cgroup: the namespace has an owner already.
TcpPolicy policy_of(const Policies& policies) {
  TcpPolicy policy = policies.tcp;
  policy.ports.inbound = {};
  policy.ports.outbound = {};
  policy.ports.max_ports = policies.namespaces.max_ports;
  policy.destinations = {.busiest = 0};
  policy.by_cgroup = false;
  return policy;
}

}  // namespace

// The range of ephemeral ports of another namespace is not to be read: the kernel's default stands
// for it, and reserved ports are not known.
std::unique_ptr<TcpTables> NamespaceSockets::make_tables() {
  auto files = std::make_shared<KernelFiles>(KernelFiles::Readers{
      .ephemeral_range = [] { return std::nullopt; },
      .reserved_ports = [] { return std::nullopt; },
      .total_sockets = [this] { return read_sockstat_sockets_of(entry_->process); }});
  return std::make_unique<TcpTables>(
      TcpTables::Kernel{.open_channel = [this] { return next_channel(); },
                        .listen_drops = [this] { return read_listen_drops_of(entry_->process); },
                        .release = read_kernel_release()},
      std::move(files), scratch_, NetworkKind::visited);
}

void NamespaceSockets::visit(const NamespaceEntry& entry, const Policies& policies,
                             const OpenNamespace& open) {
  entry_ = &entry;
  open_ = &open;
  opened_ = open(entry);
  if (opened_.cookie != cookie_) {
    if (cookie_) tables_ = make_tables();
    cookie_ = opened_.cookie;
  }
  try {
    const auto window = policies.listeners.peak_window;
    static_cast<void>(tables_->sample(policy_of(policies), window));
    static_cast<void>(tables_->poll_listeners(window));
  } catch (...) {
    opened_ = {};
    throw;
  }
}

std::unique_ptr<Channel> NamespaceSockets::next_channel() {
  OpenedNamespace next =
      opened_.channel != nullptr ? std::exchange(opened_, {}) : (*open_)(*entry_);
  if (next.cookie != cookie_) throw std::runtime_error("another namespace has taken its place");
  return std::move(next.channel);
}

}  // namespace sockdiag
