// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which ports of one direction have series of their own: the configured ones, then those that had
// series before, then the busiest. A port keeps its seat until it has not been in use for the
// retention, so series do not come and go with every sample.
//
// A seat yields to a port that is kFarBusier times as busy: that has so many times the sockets that
// the port in the seat has had at most within a retention. Two ports therefore do not take turns:
// the newcomer's own sockets protect its seat for a retention, and to win it back within that time
// the other would have to be a hundred times as busy as before. Configured ports never yield. Not
// thread-safe.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sockdiag/core/port_list.hpp"

namespace sockdiag {

class PortSeats {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  struct Candidate {
    std::uint16_t port = 0;
    std::uint64_t sockets = 0;  // that make it busy; 0 of a port that only has listeners
  };

  static constexpr std::uint64_t kFarBusier = 10;

  // `configured` ports hold a seat always, `excluded` ones lose theirs and must not be candidates.
  // No port is in both.
  void configure(const PortList& configured, std::size_t max_ports, const PortSet& excluded = {});

  [[nodiscard]] bool is_configured(std::uint16_t port) const noexcept { return configured_[port]; }

  // `in_use`: each port once. Returns the ports that have a seat now, ascending.
  [[nodiscard]] std::vector<std::uint16_t> assign(const std::vector<Candidate>& in_use,
                                                  TimePoint now, Duration retention);

 private:
  struct Peak {
    std::uint64_t sockets = 0;
    TimePoint at;
  };
  struct Seat {
    std::uint16_t port = 0;
    TimePoint last_used;
    Peak peak;  // of about a retention
  };
  struct Claim {
    Seat seat;
    std::uint64_t sockets = 0;
    bool configured = false;
    bool seated = false;
  };

  [[nodiscard]] std::vector<Claim> claims(const std::vector<Candidate>& in_use, TimePoint now,
                                          Duration retention) const;
  static void yield_seats(std::vector<Claim>& sorted, std::size_t seats);

  std::vector<std::uint16_t> configured_ports_;
  PortSet configured_;
  std::size_t max_ports_ = 0;
  std::vector<Seat> seats_;
};

}  // namespace sockdiag
