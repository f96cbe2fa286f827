// SPDX-License-Identifier: Apache-2.0
#pragma once

// Decides which port of a connection is its service's: the local one (inbound) or the remote one
// (outbound). A listener on the local port decides, also one that has lately gone or that only a
// poll has shown. Without a listener the ephemeral ports of this host decide, and SharedPorts where
// they are no proof.
//
// One sample is begin(), add_listener() for each listener, direction_of() for each connection, and
// learn(). ServicePorts counts one sample of any network namespace; ServiceMemory is what one of
// them keeps between samples. Not thread-safe. Memory: 0.8 MiB; of a network namespace, what
// ListenerMemory and SharedPorts say.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sockdiag/core/direction.hpp"
#include "sockdiag/core/socket_record.hpp"
#include "sockdiag/core/tcp_state.hpp"
#include "sockdiag/tally/ephemeral_ports.hpp"
#include "sockdiag/tally/listener_table.hpp"
#include "sockdiag/tally/round.hpp"
#include "sockdiag/tally/shared_ports.hpp"

namespace sockdiag {

class ServiceMemory {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Remembers a listener that a poll between two samples has shown, up to
  // ListenerMemory::kMaxRemembered of them. Throws std::bad_alloc.
  void add_polled_listener(const SocketRecord& record, TimePoint now);

  // Returns the ports that have a listener or lately had one, ascending; polls are left out.
  [[nodiscard]] std::vector<std::uint16_t> listening() const { return listeners.ports(); }

  ListenerMemory listeners;         // of samples
  ListenerMemory polled_listeners;  // of polls between them
  SharedPorts::Memory services;
};

class ServicePorts {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  // Begins a sample and drops one that learn() has not ended. `memory` must live until the next one
  // begins. `retention`: for how long a port remains a service's after its listener or its last
  // socket has gone. Takes time in proportion to what `memory` holds and to what the sample before
  // has shown, and some microseconds if other ports are ephemeral than in that one. Throws
  // std::bad_alloc.
  void begin(ServiceMemory& memory, const EphemeralPorts& ephemeral, TimePoint now,
             Duration retention);

  void add_listener(const SocketRecord& record);

  // Counts one more connection, which is in `state`, and returns its direction.
  [[nodiscard]] Direction direction_of(const SocketRecord& record, TcpState state) {
    used_locally_in_[record.local_port] = round_.number();
    return is_inbound(record, state) ? Direction::inbound : Direction::outbound;
  }

  // Learns services from the connections since begin(). Returns true if a new one was found: the
  // same connections may have other directions now.
  bool learn() { return shared_ports_.learn(ephemeral_.size(), now_, retention_); }

  // Returns false if only clients are known to use the port: it is ephemeral and nothing shows a
  // service behind it.
  [[nodiscard]] bool may_be_service(Direction direction, std::uint16_t port) const noexcept;

  [[nodiscard]] bool is_ephemeral(std::uint16_t port) const noexcept { return is_ephemeral_[port]; }
  [[nodiscard]] const EphemeralPorts& ephemeral() const noexcept { return ephemeral_; }
  // Returns how many of the ephemeral ports are the local port of a socket since begin().
  [[nodiscard]] std::size_t ephemeral_ports_used() const noexcept;

 private:
  // The lowest port that systems choose for clients: Linux by default; RFC 6335 says 49152.
  static constexpr std::uint16_t kClientPorts = 32768;

  void set_ephemeral(const EphemeralPorts& ephemeral);
  [[nodiscard]] bool is_inbound(const SocketRecord& record, TcpState state) {
    const std::uint16_t local = record.local_port;
    const std::uint16_t remote = record.remote_port;
    if (state == TcpState::syn_recv || listeners_.matches(record.local_address, local)) return true;
    const bool local_is_ephemeral = is_ephemeral(local);
    // Leaves these out of SharedPorts: most connections of a host that calls others are like this.
    if (local_is_ephemeral && !is_ephemeral(remote) && remote < kClientPorts) {
      return is_only_service(local, remote);
    }
    return is_inbound_by_ports(record, local_is_ephemeral);
  }
  [[nodiscard]] bool is_inbound_by_ports(const SocketRecord& record, bool local_is_ephemeral);
  [[nodiscard]] bool is_only_service(std::uint16_t local, std::uint16_t remote) const noexcept;

  EphemeralPorts ephemeral_;
  std::array<bool, 65536> is_ephemeral_{};
  // The last sample that showed a socket on the local port. No sample has to clear it.
  std::array<std::uint8_t, 65536> used_locally_in_{};
  Round round_;
  TimePoint now_;
  Duration retention_{};
  ListenerTable listeners_;
  ListenerTable polled_listeners_;
  SharedPorts shared_ports_;
};

}  // namespace sockdiag
