// SPDX-License-Identifier: Apache-2.0
#pragma once

// Decides which port of a connection is its service's: the local one (inbound) or the remote one
// (outbound). A listener on the local port decides, also one that has lately gone or that only a
// poll has shown. Without a listener the ephemeral ports of this host decide, and SharedPorts where
// they are no proof.
//
// One sample is begin(), add_listener() for each listener, direction_of() for each connection, and
// learn(). Not thread-safe. Memory: 0.8 MiB, and what ListenerTable and SharedPorts say.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "sockdiag/core/direction.hpp"
#include "sockdiag/core/port_list.hpp"
#include "sockdiag/core/socket_record.hpp"
#include "sockdiag/core/tcp_state.hpp"
#include "sockdiag/tally/ephemeral_ports.hpp"
#include "sockdiag/tally/listener_table.hpp"
#include "sockdiag/tally/shared_ports.hpp"

namespace sockdiag {

class ServicePorts {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  // Begins a sample and drops one that learn() has not ended. `retention`: for how long a port
  // remains a service's after its listener or its last socket has gone.
  void begin(const EphemeralPorts& ephemeral, TimePoint now, Duration retention);

  void add_listener(const SocketRecord& record);

  // Remembers a listener that a poll between two samples has shown, up to
  // ListenerTable::kMaxRemembered of them.
  void add_polled_listener(const SocketRecord& record, TimePoint now);

  // Counts one more connection, which is in `state`, and returns its direction.
  [[nodiscard]] Direction direction_of(const SocketRecord& record, TcpState state) {
    ports_[record.local_port] |= kUsedLocally;
    return is_inbound(record, state) ? Direction::inbound : Direction::outbound;
  }

  // Learns services from the connections since begin(). Returns true if a new one was found: the
  // same connections may have other directions now.
  bool learn() { return shared_ports_.learn(ephemeral_.size(), now_, retention_); }

  // Returns false if only clients are known to use the port: it is ephemeral and nothing shows a
  // service behind it.
  [[nodiscard]] bool may_be_service(Direction direction, std::uint16_t port) const noexcept;

  [[nodiscard]] bool is_ephemeral(std::uint16_t port) const noexcept {
    return (ports_[port] & kEphemeral) != 0;
  }
  [[nodiscard]] const EphemeralPorts& ephemeral() const noexcept { return ephemeral_; }
  // Returns how many of the ephemeral ports are the local port of a socket since begin().
  [[nodiscard]] std::size_t ephemeral_ports_used() const noexcept;

  // Returns the ports that have a listener or lately had one; polls are left out.
  [[nodiscard]] PortSet listening() const { return listeners_.ports(); }

 private:
  enum PortFlag : std::uint8_t { kEphemeral = 1, kUsedLocally = 2 };

  // The lowest port that systems choose for clients: Linux by default; RFC 6335 says 49152.
  static constexpr std::uint16_t kClientPorts = 32768;

  void flag_ports(const EphemeralPorts& ephemeral);
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
  std::array<std::uint8_t, 65536> ports_{};  // PortFlags of each port in this sample
  TimePoint now_;
  Duration retention_{};
  ListenerTable listeners_;         // of samples
  ListenerTable polled_listeners_;  // of polls between them
  SharedPorts shared_ports_;
};

}  // namespace sockdiag
