// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/core/client_prefixes.hpp"

namespace sockdiag {

std::size_t ClientPrefixes::Hash::operator()(const Prefix& prefix) const noexcept {
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15U;
  std::uint64_t hash = (prefix.network ^ prefix.port) * kOdd;
  hash = (hash ^ (hash >> 32) ^ prefix.port) * kOdd;
  return static_cast<std::size_t>(hash ^ (hash >> 32));
}

bool ClientPrefixes::add(std::uint16_t port, const IpAddress& client) {
  if (prefixes_.size() >= kMaxPrefixes) return false;
  return prefixes_.insert({client.prefix(), port, client.is_ipv4()}).second;
}

}  // namespace sockdiag
