// SPDX-License-Identifier: Apache-2.0
#pragma once

// An IPv4 or IPv6 address as 16 bytes in network byte order. IPv4 addresses are in their
// IPv4-mapped form (RFC 4291, section 2.5.5.2: ::ffff:a.b.c.d), so that the address of an IPv4
// socket equals the same address of a dual-stack IPv6 socket. A plain value: copying and comparing
// never fail.

#include <array>
#include <cstdint>
#include <cstring>

namespace sockdiag {

class IpAddress {
 public:
  constexpr IpAddress() noexcept = default;

  // `bytes`: 4 bytes in network byte order.
  [[nodiscard]] static IpAddress from_ipv4(const void* bytes) noexcept {
    IpAddress address;
    address.bytes_[10] = address.bytes_[11] = 0xff;
    std::memcpy(address.bytes_.data() + 12, bytes, 4);
    return address;
  }

  // `bytes`: 16 bytes in network byte order.
  [[nodiscard]] static IpAddress from_ipv6(const void* bytes) noexcept {
    IpAddress address;
    std::memcpy(address.bytes_.data(), bytes, 16);
    return address;
  }

  [[nodiscard]] bool is_ipv4() const noexcept {
    static constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0,    0,
                                                             0, 0, 0, 0, 0xff, 0xff};
    return std::memcmp(bytes_.data(), kMapped.data(), kMapped.size()) == 0;
  }

  // Returns true for 0.0.0.0 (also as ::ffff:0.0.0.0) and for ::
  [[nodiscard]] bool is_wildcard() const noexcept {
    return high() == 0 && (low() == 0 || (is_ipv4() && last_four() == 0));
  }

  // 16 bytes in network byte order.
  [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }

  [[nodiscard]] std::uint64_t high() const noexcept { return load<std::uint64_t>(0); }
  [[nodiscard]] std::uint64_t low() const noexcept { return load<std::uint64_t>(8); }

  // Returns the network of the address as a number: its /24 in IPv4, its /64 in IPv6.
  [[nodiscard]] std::uint64_t prefix() const noexcept {
    if (!is_ipv4()) return high();
    std::uint64_t network = 0;
    std::memcpy(&network, bytes_.data() + 12, 3);
    return network;
  }

  friend bool operator==(const IpAddress& a, const IpAddress& b) noexcept {
    return a.high() == b.high() && a.low() == b.low();
  }

 private:
  template <typename Word>
  [[nodiscard]] Word load(std::size_t offset) const noexcept {
    Word word;
    std::memcpy(&word, bytes_.data() + offset, sizeof word);
    return word;
  }
  [[nodiscard]] std::uint32_t last_four() const noexcept { return load<std::uint32_t>(12); }

  std::array<std::uint8_t, 16> bytes_{};
};

}  // namespace sockdiag
