// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/client_prefixes.hpp"

namespace sockdiag {

std::size_t ClientPrefixes::Hash::operator()(const Prefix& prefix) const noexcept {
  return static_cast<std::size_t>(hash_of(hash_of(prefix.network ^ seed) ^ prefix.port));
}

bool ClientPrefixes::add(std::uint16_t port, const IpAddress& client) {
  if (prefixes_.size() >= kMaxPrefixes) return false;
  return prefixes_.insert({client.prefix(), port, client.is_ipv4()}).second;
}

}  // namespace sockdiag
