// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/http/network.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>

namespace sockdiag {
namespace {

constexpr unsigned kBits = 128;
constexpr unsigned kMappedBits = 96;
constexpr AddressBytes kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

AddressBytes without_host(AddressBytes address, unsigned bits) noexcept {
  for (unsigned bit = bits; bit < kBits; ++bit) {
    address.at(bit / 8) &= static_cast<std::uint8_t>(~(0x80U >> (bit % 8)));
  }
  return address;
}

bool is_ipv4(const AddressBytes& address) noexcept {
  return without_host(address, kMappedBits) == kMapped;
}

std::optional<Network> parse_address(const std::string& text) {
  Network network;
  if (::inet_pton(AF_INET6, text.c_str(), network.address.data()) == 1) return network;
  network.address = kMapped;
  if (::inet_pton(AF_INET, text.c_str(), &network.address[kMappedBits / 8]) == 1) return network;
  return std::nullopt;
}

// Returns nothing unless all of the text is a number up to `most`.
std::optional<unsigned> parse_bits(std::string_view text, unsigned most) {
  unsigned bits = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, bits);
  const bool good = parsed.ec == std::errc{} && parsed.ptr == end && bits <= most;
  return good ? std::optional(bits) : std::nullopt;
}

}  // namespace

bool Network::contains(const AddressBytes& other) const noexcept {
  return without_host(other, bits) == address;
}

std::optional<Network> parse_network(const std::string& text) {
  const auto slash = text.find('/');
  auto network = parse_address(text.substr(0, slash));
  if (!network || slash == std::string::npos) return network;
  const bool dotted = text.find(':') == std::string::npos;
  const auto bits =
      parse_bits(std::string_view(text).substr(slash + 1), dotted ? kBits - kMappedBits : kBits);
  if (!bits) return std::nullopt;
  network->bits = *bits + (dotted ? kMappedBits : 0);
  return network->contains(network->address) ? network : std::nullopt;
}

AddressBytes client_of(const AddressBytes& address) noexcept {
  constexpr unsigned kSubnetBits = 64;
  const bool link_local = address[0] == 0xfe && (address[1] & 0xc0U) == 0x80;
  return is_ipv4(address) || link_local ? address : without_host(address, kSubnetBits);
}

std::string to_string(const AddressBytes& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_ipv4(address)) {
    ::inet_ntop(AF_INET, &address[kMappedBits / 8], text.data(), text.size());
  } else {
    ::inet_ntop(AF_INET6, address.data(), text.data(), text.size());
  }
  return text.data();
}

}  // namespace sockdiag
