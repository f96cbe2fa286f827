// SPDX-License-Identifier: Apache-2.0
#pragma once

// Finds the service's port of a connection if no listener shows it and the ephemeral range of this
// host is no proof: both ports are ephemeral, neither is, or the peer may have chosen its port from
// a range of its own. Clients choose ephemeral ports at random. So a port that more sockets share
// than chance explains belongs to a service. How many chance explains follows from the number of
// distinct ports in use: if ports are chosen at random, the sockets of one port follow a Poisson
// distribution, and a share of exp(-mean) of all ports stays unused.
//
// One sample decides about the connections of the next. A service stays known while it has a
// socket, and for a retention after that.
//
// SharedPorts counts one sample of any network namespace; SharedPorts::Memory is what it learned of
// one of them. Not thread-safe. Memory: 512 KiB and two bytes for each port that a sample shows;
// of a network namespace, 16 bytes for each known service. add() costs a few nanoseconds.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sockdiag/core/direction.hpp"

namespace sockdiag {

class SharedPorts {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  // A known service.
  struct Service {
    std::uint16_t port = 0;
    std::uint16_t sockets = 0;  // in the sample before; at least 1
    TimePoint last_used;
  };
  using Memory = std::array<std::vector<Service>, kDirections.size()>;

  // Begins a sample with the services of `memory`, which must live until the next one begins. Drops
  // the sample before, unless learn() has been called after it. Takes time in proportion to the
  // ports of both. Throws std::bad_alloc.
  void begin(Memory& memory);

  // Counts one more connection. Returns true if its local port is the service's, which makes it
  // inbound. Returns `otherwise` if the sample before does not show that. Throws std::bad_alloc.
  [[nodiscard]] bool add(std::uint16_t local_port, std::uint16_t remote_port, bool otherwise);

  // Learns services from the connections since begin(). `ephemeral_ports`: how many ports the
  // kernel may choose from. Returns true if it learned a new service. Throws std::bad_alloc.
  bool learn(std::size_t ephemeral_ports, TimePoint now, Duration retention);

  // Returns whether the port is known to be a service's, on this host (inbound) or on others
  // (outbound).
  [[nodiscard]] bool is_service(Direction direction, std::uint16_t port) const noexcept {
    return side(direction).weights[port] != 0;
  }

  // Returns the least number of sockets of one port that chance does not explain. `sockets` sockets
  // have `used` distinct ports, out of `ports` that they could have had, which is not 0.
  [[nodiscard]] static std::size_t threshold(std::size_t sockets, std::size_t used,
                                             std::size_t ports);

 private:
  struct Side {
    // Sockets of the present sample by port, at most 65 535.
    std::array<std::uint16_t, 65536> sockets{};
    std::vector<std::uint16_t> used;  // the ports that have sockets
    std::size_t total = 0;            // of all ports
    // Sockets of the sample before, for known services; 0 for all other ports.
    std::array<std::uint16_t, 65536> weights{};
    std::vector<std::uint16_t> weighted;  // the known services
  };

  [[nodiscard]] const Side& side(Direction direction) const noexcept {
    return sides_[index_of(direction)];
  }
  static void weigh(Side& side, const std::vector<Service>& services);
  static void count(Side& side, std::uint16_t port);
  [[nodiscard]] bool learn(Direction direction, std::size_t ports, TimePoint now,
                           Duration retention);

  std::array<Side, kDirections.size()> sides_;  // by the direction that the port would make
  Memory* memory_ = nullptr;                    // of the same sides
};

}  // namespace sockdiag
