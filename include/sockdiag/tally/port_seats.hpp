// SPDX-License-Identifier: Apache-2.0
#pragma once

// Decides which ports of one direction have series of their own ("seats"): the configured ports
// first, then those that have a seat already, then the busiest. A port loses its seat when it has
// not been in use for the retention. So series do not come and go with every sample.
//
// A port loses its seat earlier to one that is kFarBusier times as busy: one that has that many
// times the most sockets that the port in the seat had within a retention. Two ports do not take
// turns: to win its seat back within a retention, the first would have to be a hundred times as
// busy as before. Configured ports never lose their seats. Not thread-safe. 32 bytes a
// seat.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sockdiag/tally/port_rules.hpp"

namespace sockdiag {

class PortSeats {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  struct Candidate {
    std::uint16_t port = 0;
    std::uint64_t sockets = 0;  // without listeners
  };

  static constexpr std::uint64_t kFarBusier = 10;

  // At most `max_ports` have seats from now on. Ports that are excluded lose theirs, and must not
  // be candidates.
  void configure(const PortRules& rules, std::size_t max_ports);

  // Assigns the seats anew and returns their ports, ascending. Ports in `configured` have a seat
  // whatever they are used for. `in_use` has each port once. Throws std::bad_alloc and then changes
  // no seat.
  [[nodiscard]] std::vector<std::uint16_t> assign(const std::vector<std::uint16_t>& configured,
                                                  const std::vector<Candidate>& in_use,
                                                  TimePoint now, Duration retention);

 private:
  struct Peak {
    std::uint64_t sockets = 0;
    TimePoint at;
  };
  struct Seat {
    std::uint16_t port = 0;
    TimePoint last_used;
    Peak peak;  // within about a retention
  };
  struct Claim {
    Seat seat;
    std::uint64_t sockets = 0;
    bool configured = false;
    bool seated = false;
  };

  [[nodiscard]] std::vector<Claim> claims(const std::vector<std::uint16_t>& configured,
                                          const std::vector<Candidate>& in_use, TimePoint now,
                                          Duration retention) const;
  static void yield_seats(std::vector<Claim>& sorted, std::size_t seats);

  std::size_t max_ports_ = 0;
  std::vector<Seat> seats_;
};

}  // namespace sockdiag
