// SPDX-License-Identifier: Apache-2.0
#pragma once

// Tells the service's port of a connection where no listener does and the ephemeral range of this
// host is no proof: both ports are ephemeral or neither is, or the peer may have taken its port
// from a range of its own. Clients take ephemeral ports at random, so a port that more sockets
// share than chance explains belongs to a service. The number that chance explains comes from how
// many distinct ports are in use: if ports are taken at random, the sockets of one port follow a
// Poisson distribution, and a share of exp(-mean) of all ports stays unused.
//
// What one sample shows decides in the next. A service stays known while it has a socket, and for a
// retention after.
//
// Not thread-safe. Memory: 512 KiB, and a few bytes for each port that a sample shows. add() costs
// a few nanoseconds.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "sockdiag/core/direction.hpp"

namespace sockdiag {

class SharedPorts {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  // Drops the sample before, unless learn() has been called after it.
  void begin() noexcept;

  // Counts one more connection. Returns whether its local port is the service's, which makes it
  // inbound; `otherwise` where the sample before does not tell. Throws std::bad_alloc.
  [[nodiscard]] bool add(std::uint16_t local_port, std::uint16_t remote_port, bool otherwise);

  // Learns from the sockets since begin(). `ephemeral_ports`: how many the kernel may choose from.
  // Returns whether a service is known now that was not. Throws std::bad_alloc.
  bool learn(std::size_t ephemeral_ports, TimePoint now, Duration retention);

  // Whether the port is known to be a service's: on this host (inbound) or on others (outbound).
  [[nodiscard]] bool is_service(Direction direction, std::uint16_t port) const noexcept {
    return side(direction).weights[port] != 0;
  }

  // The least number of sockets of one port that chance does not explain, where `sockets` sockets
  // have `used` distinct ports and could have had any of `ports`, which is not 0.
  [[nodiscard]] static std::size_t threshold(std::size_t sockets, std::size_t used,
                                             std::size_t ports);

 private:
  struct Side {
    // Sockets of the sample that runs, by port; not above 65 535.
    std::array<std::uint16_t, 65536> sockets{};
    std::vector<std::uint16_t> used;  // the ports that have any
    std::size_t total = 0;            // of all ports
    // Of the sample before, for known services; 0 for all other ports.
    std::array<std::uint16_t, 65536> weights{};
    std::unordered_map<std::uint16_t, TimePoint> last_used;  // of known services
  };

  [[nodiscard]] const Side& side(Direction direction) const noexcept {
    return sides_[index_of(direction)];
  }
  static void count(Side& side, std::uint16_t port);
  static bool learn(Side& side, std::size_t ports, TimePoint now, Duration retention);

  std::array<Side, kDirections.size()> sides_;  // by the direction that the port would make
};

}  // namespace sockdiag
