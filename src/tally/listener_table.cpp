// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/listener_table.hpp"

namespace sockdiag {

std::uint8_t ListenerTable::kinds_of(const Endpoint& endpoint) noexcept {
  if (!endpoint.address.is_wildcard()) return kOneAddress;
  if (endpoint.address.is_ipv4()) return kWildcardIpv4;
  return endpoint.ipv6_only ? kWildcardIpv6 : kWildcardIpv4 | kWildcardIpv6;
}

void ListenerTable::record_seen(const IpAddress& address, std::uint16_t port, bool ipv6_only,
                                TimePoint now) {
  // Ignore the flag on other addresses than `::`, where it would make two entries of one listener.
  const bool meant = ipv6_only && address.is_wildcard();
  const Endpoint endpoint{address, port, meant};
  last_seen_[endpoint] = now;
  kinds_[port] = static_cast<std::uint8_t>(kinds_[port] | kinds_of(endpoint));
}

void ListenerTable::forget_gone(TimePoint now, Duration retention) {
  std::erase_if(last_seen_, [&](const auto& entry) { return entry.second + retention < now; });
  if (last_seen_.size() > kMaxRemembered) {
    std::erase_if(last_seen_, [&](const auto& entry) { return entry.second < now; });
  }
  kinds_.fill(0);
  for (const auto& [endpoint, seen] : last_seen_) {
    kinds_[endpoint.port] = static_cast<std::uint8_t>(kinds_[endpoint.port] | kinds_of(endpoint));
  }
}

PortSet ListenerTable::ports() const {
  PortSet ports;
  for (const auto& [endpoint, seen] : last_seen_) ports.set(endpoint.port);
  return ports;
}

}  // namespace sockdiag
