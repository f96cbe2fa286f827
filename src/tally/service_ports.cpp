// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/service_ports.hpp"

namespace sockdiag {
namespace {

// No system chooses a port below this one for a client.
constexpr std::uint16_t kUserPorts = 1024;

}  // namespace

void ServiceMemory::add_polled_listener(const SocketRecord& record, TimePoint now) {
  if (polled_listeners.size() >= ListenerMemory::kMaxRemembered) return;
  polled_listeners.record_seen(record.local_address, record.local_port, record.ipv6_only, now);
}

void ServicePorts::begin(ServiceMemory& memory, const EphemeralPorts& ephemeral, TimePoint now,
                         Duration retention) {
  set_ephemeral(ephemeral);
  if (round_.begin()) used_locally_in_.fill(0);
  now_ = now;
  retention_ = retention;
  memory.listeners.forget_gone(now, retention);
  memory.polled_listeners.forget_gone(now, retention);
  listeners_.load(memory.listeners);
  polled_listeners_.load(memory.polled_listeners);
  shared_ports_.begin(memory.services);
}

void ServicePorts::set_ephemeral(const EphemeralPorts& ephemeral) {
  const bool same_ports = ephemeral.ports() == ephemeral_.ports();
  ephemeral_ = ephemeral;
  if (same_ports) return;
  for (std::size_t port = 0; port < is_ephemeral_.size(); ++port) {
    is_ephemeral_[port] = ephemeral.contains(static_cast<std::uint16_t>(port));
  }
}

std::size_t ServicePorts::ephemeral_ports_used() const noexcept {
  std::size_t used = 0;
  for (std::size_t port = 0; port < is_ephemeral_.size(); ++port) {
    used += is_ephemeral_[port] && used_locally_in_[port] == round_.number() ? 1 : 0;
  }
  return used;
}

void ServicePorts::add_listener(const SocketRecord& record) {
  listeners_.record_seen(record.local_address, record.local_port, record.ipv6_only, now_);
  used_locally_in_[record.local_port] = round_.number();
}

bool ServicePorts::is_inbound_by_ports(const SocketRecord& record, bool local_is_ephemeral) {
  const std::uint16_t local = record.local_port;
  const std::uint16_t remote = record.remote_port;
  // is_inbound() does not ask this: a listener that only a poll has shown may have gone, and its
  // port may be a client's by now.
  if (polled_listeners_.matches(record.local_address, local)) return true;
  // A peer may choose its port from a range of its own, outside of this host's.
  const bool looks_inbound =
      local_is_ephemeral == is_ephemeral(remote)
          ? !local_is_ephemeral && local < kClientPorts && remote >= kClientPorts
          : !local_is_ephemeral;
  return shared_ports_.add(local, remote, looks_inbound);
}

// Returns whether only the local port is known as a service's. The remote one then belongs to a
// client whose range is wider than this host's.
bool ServicePorts::is_only_service(std::uint16_t local, std::uint16_t remote) const noexcept {
  return shared_ports_.is_service(Direction::inbound, local) && remote >= kUserPorts &&
         !shared_ports_.is_service(Direction::outbound, remote);
}

bool ServicePorts::may_be_service(Direction direction, std::uint16_t port) const noexcept {
  if (!is_ephemeral(port) || listeners_.has_port(port)) return true;
  if (direction == Direction::inbound && polled_listeners_.has_port(port)) return true;
  return shared_ports_.is_service(direction, port);
}

}  // namespace sockdiag
