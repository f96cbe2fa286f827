// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/listener_table.hpp"

#include <algorithm>

namespace sockdiag {

ListenerMemory::Endpoint ListenerMemory::record_seen(const IpAddress& address, std::uint16_t port,
                                                     bool ipv6_only, TimePoint now) {
  // Ignore the flag on other addresses than `::`, where it would make two entries of one listener.
  const bool meant = ipv6_only && address.is_wildcard();
  const Endpoint endpoint{address, port, meant};
  last_seen_[endpoint] = now;
  return endpoint;
}

void ListenerMemory::forget_gone(TimePoint now, Duration retention) {
  std::erase_if(last_seen_, [&](const auto& entry) { return entry.second + retention < now; });
  if (last_seen_.size() > kMaxRemembered) {
    std::erase_if(last_seen_, [&](const auto& entry) { return entry.second < now; });
  }
}

std::vector<std::uint16_t> ListenerMemory::ports() const {
  std::vector<std::uint16_t> ports;
  ports.reserve(last_seen_.size());
  for (const auto& [endpoint, seen] : last_seen_) ports.push_back(endpoint.port);
  std::sort(ports.begin(), ports.end());
  ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
  return ports;
}

std::uint8_t ListenerTable::kinds_of(const ListenerMemory::Endpoint& endpoint) noexcept {
  if (!endpoint.address.is_wildcard()) return kOneAddress;
  if (endpoint.address.is_ipv4()) return kWildcardIpv4;
  return endpoint.ipv6_only ? kWildcardIpv6 : kWildcardIpv4 | kWildcardIpv6;
}

void ListenerTable::add(const ListenerMemory::Endpoint& endpoint) {
  std::uint8_t& kinds = kinds_[endpoint.port];
  if (kinds == 0) ports_.push_back(endpoint.port);
  kinds = static_cast<std::uint8_t>(kinds | kinds_of(endpoint));
}

void ListenerTable::load(ListenerMemory& memory) {
  for (const std::uint16_t port : ports_) kinds_[port] = 0;
  ports_.clear();
  memory_ = &memory;
  memory.for_each([this](const auto& endpoint) { add(endpoint); });
}

}  // namespace sockdiag
