// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/client_prefixes.hpp"

namespace sockdiag {

std::size_t ClientPrefixes::Hash::operator()(const Prefix& prefix) const noexcept {
  constexpr std::uint64_t kIpv4 = 1U << 16U;  // a bit that no port has
  const std::uint64_t rest = prefix.port | (prefix.is_ipv4 ? kIpv4 : 0);
  return static_cast<std::size_t>(hash_of(std::array{prefix.network, rest}, seed));
}

bool ClientPrefixes::add(std::uint16_t port, const IpAddress& client) {
  if (prefixes_.size() >= kMaxPrefixes) return false;
  return prefixes_.insert({client.prefix(), port, client.is_ipv4()}).second;
}

}  // namespace sockdiag
