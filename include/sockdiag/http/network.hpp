// SPDX-License-Identifier: Apache-2.0
#pragma once

// Networks of clients in CIDR notation (RFC 4632, RFC 4291): `10.0.0.0/8`, `2001:db8::/32`, or one
// address. Plain values; all functions are safe from any thread.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sockdiag {

// An IPv6 address in network byte order. An IPv4 address is mapped (RFC 4291, section 2.5.5.2), as
// a socket of both families shows it.
using AddressBytes = std::array<std::uint8_t, 16>;

struct Network {
  AddressBytes address{};
  unsigned bits = 128;  // length of the prefix; 96 more than the one of an IPv4 network

  [[nodiscard]] bool contains(const AddressBytes& other) const noexcept;
};

// Returns nothing if the text is no network, or has a bit set after its prefix: then either the
// address or the length is a mistake.
[[nodiscard]] std::optional<Network> parse_network(const std::string& text);

// Returns the network that counts as one client. A host has one IPv4 address, and as many IPv6
// addresses as it likes of the /64 that it is in (RFC 4291, section 2.5.4). Hosts of one link share
// fe80::/64, so there the whole address counts.
[[nodiscard]] AddressBytes client_of(const AddressBytes& address) noexcept;

// Returns the text of the address, such as 192.0.2.1 or 2001:db8::.
[[nodiscard]] std::string to_string(const AddressBytes& address);

}  // namespace sockdiag
