// SPDX-License-Identifier: Apache-2.0
#pragma once

// The listeners of a network namespace, also those that have lately gone. They decide whether a
// connection came in through one of them: it has the listener's port, and the listener's address is
// the same or a wildcard.
//
// A ListenerMemory is what one network namespace keeps between samples. A ListenerTable looks it up
// for each connection: in a few nanoseconds, however many listeners there are. Neither is
// thread-safe. A memory grows with listeners, and with those that have gone up to kMaxRemembered,
// by 64 bytes each. A table takes 64 KiB, and two bytes for each port.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "sockdiag/core/hash.hpp"
#include "sockdiag/core/ip_address.hpp"

namespace sockdiag {

class ListenerMemory {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  // With more entries than this, listeners are forgotten as soon as they have gone.
  static constexpr std::size_t kMaxRemembered = 65536;

  struct Endpoint {
    IpAddress address;
    std::uint16_t port = 0;
    bool ipv6_only = false;
    friend bool operator==(const Endpoint&, const Endpoint&) noexcept = default;
  };
  // Refers to the process's seed: each network namespace has several memories.
  struct Hash {
    Hash() : Hash(process_seed()) {}
    // `chosen` must live longer.
    explicit Hash(const HashSeed& chosen) noexcept : seed(&chosen) {}
    [[nodiscard]] std::size_t operator()(const Endpoint& endpoint) const noexcept {
      const auto& [address, port, ipv6_only] = endpoint;
      return static_cast<std::size_t>(hash_of(
          std::array<std::uint64_t, 4>{address.high(), address.low(), port, ipv6_only}, *seed));
    }
    const HashSeed* seed;
  };

  // Records that a listener was there at `now`. `ipv6_only`: it is on `::` and refuses IPv4
  // connections (IPV6_V6ONLY). Returns how it is remembered. Throws std::bad_alloc.
  Endpoint record_seen(const IpAddress& address, std::uint16_t port, bool ipv6_only, TimePoint now);

  // Forgets listeners that were not recorded at `now` or in the `retention` before it.
  void forget_gone(TimePoint now, Duration retention);

  [[nodiscard]] bool contains(const IpAddress& address, std::uint16_t port) const noexcept {
    return last_seen_.contains({address, port, false});
  }

  // Calls take(endpoint) for each listener.
  template <typename Take>
  void for_each(const Take& take) const {
    for (const auto& [endpoint, seen] : last_seen_) take(endpoint);
  }

  // Returns the ports that have a listener or lately had one, ascending. Throws std::bad_alloc.
  [[nodiscard]] std::vector<std::uint16_t> ports() const;

  [[nodiscard]] std::size_t size() const noexcept { return last_seen_.size(); }

 private:
  std::unordered_map<Endpoint, TimePoint, Hash> last_seen_;
};

class ListenerTable {
 public:
  // Looks `memory` up from now on, which must live until load() is called again. Takes time in
  // proportion to the listeners of this memory and of the one before. Throws std::bad_alloc.
  void load(ListenerMemory& memory);

  // Records a listener in the memory.
  void record_seen(const IpAddress& address, std::uint16_t port, bool ipv6_only,
                   ListenerMemory::TimePoint now) {
    add(memory_->record_seen(address, port, ipv6_only, now));
  }

  [[nodiscard]] bool matches(const IpAddress& local_address, std::uint16_t port) const noexcept {
    const std::uint8_t kinds = kinds_[port];
    if (kinds == 0) return false;
    if ((kinds & (local_address.is_ipv4() ? kWildcardIpv4 : kWildcardIpv6)) != 0) return true;
    return (kinds & kOneAddress) != 0 && memory_->contains(local_address, port);
  }

  [[nodiscard]] bool has_port(std::uint16_t port) const noexcept { return kinds_[port] != 0; }

 private:
  enum Kind : std::uint8_t { kWildcardIpv4 = 1, kWildcardIpv6 = 2, kOneAddress = 4 };

  [[nodiscard]] static std::uint8_t kinds_of(const ListenerMemory::Endpoint& endpoint) noexcept;
  void add(const ListenerMemory::Endpoint& endpoint);

  ListenerMemory* memory_ = nullptr;
  // The kinds of listener that each port has, so that most lookups read one byte.
  std::array<std::uint8_t, 65536> kinds_{};
  std::vector<std::uint16_t> ports_;  // that have any
};

}  // namespace sockdiag
