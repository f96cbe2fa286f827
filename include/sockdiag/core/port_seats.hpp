// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which ports of one direction have series of their own: the configured ones, then those that had
// series before, then the busiest. A port keeps its seat until it has not been in use for the
// retention, so series do not come and go with every sample. Not thread-safe.

#include <bitset>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sockdiag {

class PortSeats {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  struct Candidate {
    std::uint16_t port = 0;
    std::uint64_t sockets = 0;
  };

  // `configured` ports hold a seat always; repetitions do no harm. Ports are not 0.
  void configure(const std::vector<std::uint16_t>& configured, std::size_t max_ports);

  [[nodiscard]] bool is_configured(std::uint16_t port) const noexcept { return configured_[port]; }

  // `in_use`: each port once. Returns the ports that have a seat now, ascending.
  [[nodiscard]] std::vector<std::uint16_t> assign(const std::vector<Candidate>& in_use,
                                                  TimePoint now, Duration retention);

 private:
  struct Seat {
    std::uint16_t port = 0;
    TimePoint last_used;
  };
  struct Claim {
    Candidate candidate;
    TimePoint last_used;
    bool configured = false;
    bool seated = false;
  };

  [[nodiscard]] std::vector<Claim> claims(const std::vector<Candidate>& in_use, TimePoint now,
                                          Duration retention) const;

  std::vector<std::uint16_t> configured_ports_;
  std::bitset<65536> configured_;
  std::size_t max_ports_ = 0;
  std::vector<Seat> seats_;
};

}  // namespace sockdiag
