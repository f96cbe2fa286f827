// SPDX-License-Identifier: Apache-2.0
#pragma once

// The listeners of a network namespace, those that have lately gone included. It decides whether a
// connection came in through one of them: same port, and an address that is equal or a wildcard.
//
// Not thread-safe. matches() and has_port() cost a few nanoseconds whatever the number of
// listeners; memory grows with listeners, and with gone ones up to kMaxRemembered.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "sockdiag/core/ip_address.hpp"
#include "sockdiag/core/port_list.hpp"

namespace sockdiag {

class ListenerTable {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  // Above this many entries, listeners that are gone are forgotten at once.
  static constexpr std::size_t kMaxRemembered = 65536;

  // `ipv6_only`: a listener on `::` that refuses IPv4 connections (IPV6_V6ONLY).
  void record_seen(const IpAddress& address, std::uint16_t port, bool ipv6_only, TimePoint now);

  // Forgets listeners not seen at `now` nor in the `retention` before it.
  void forget_gone(TimePoint now, Duration retention);

  [[nodiscard]] bool matches(const IpAddress& local_address, std::uint16_t port) const noexcept {
    const std::uint8_t kinds = kinds_[port];
    if (kinds == 0) return false;
    if ((kinds & (local_address.is_ipv4() ? kWildcardIpv4 : kWildcardIpv6)) != 0) return true;
    return (kinds & kOneAddress) != 0 && matches_one_address(local_address, port);
  }

  [[nodiscard]] bool has_port(std::uint16_t port) const noexcept { return kinds_[port] != 0; }

  // Those that have a listener or lately had one.
  [[nodiscard]] PortSet ports() const;

  [[nodiscard]] std::size_t size() const noexcept { return last_seen_.size(); }

 private:
  enum Kind : std::uint8_t { kWildcardIpv4 = 1, kWildcardIpv6 = 2, kOneAddress = 4 };

  struct Endpoint {
    IpAddress address;
    std::uint16_t port = 0;
    bool ipv6_only = false;
    friend bool operator==(const Endpoint&, const Endpoint&) noexcept = default;
  };
  struct EndpointHash {
    [[nodiscard]] std::size_t operator()(const Endpoint& endpoint) const noexcept;
  };

  [[nodiscard]] static std::uint8_t kinds_of(const Endpoint& endpoint) noexcept;
  [[nodiscard]] bool matches_one_address(const IpAddress& address,
                                         std::uint16_t port) const noexcept;

  std::unordered_map<Endpoint, TimePoint, EndpointHash> last_seen_;
  // By port: the kinds of listener it has, so that most lookups touch one byte.
  std::array<std::uint8_t, 65536> kinds_{};
};

}  // namespace sockdiag
