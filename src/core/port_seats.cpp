// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/core/port_seats.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace sockdiag {

void PortSeats::configure(const std::vector<std::uint16_t>& configured, std::size_t max_ports) {
  configured_ports_ = configured;
  configured_.reset();
  for (const std::uint16_t port : configured) configured_.set(port);
  max_ports_ = max_ports;
}

std::vector<PortSeats::Claim> PortSeats::claims(const std::vector<Candidate>& in_use, TimePoint now,
                                                Duration retention) const {
  std::map<std::uint16_t, Claim> by_port;
  for (const Candidate& candidate : in_use) {
    by_port[candidate.port] = {candidate, now, false, false};
  }
  for (const std::uint16_t port : configured_ports_) {
    Claim& claim = by_port[port];
    claim.candidate.port = port;
    claim.configured = true;
  }
  for (const Seat& seat : seats_) {
    const auto found = by_port.find(seat.port);
    if (found != by_port.end()) {
      found->second.seated = true;
    } else if (seat.last_used + retention >= now) {
      by_port[seat.port] = {{seat.port, 0}, seat.last_used, false, true};
    }
  }
  std::vector<Claim> all;
  all.reserve(by_port.size());
  for (const auto& [port, claim] : by_port) all.push_back(claim);
  return all;
}

std::vector<std::uint16_t> PortSeats::assign(const std::vector<Candidate>& in_use, TimePoint now,
                                             Duration retention) {
  std::vector<Claim> all = claims(in_use, now, retention);
  const auto stronger = [](const Claim& a, const Claim& b) {
    return std::tuple(b.configured, b.seated, b.candidate.sockets, a.candidate.port) <
           std::tuple(a.configured, a.seated, a.candidate.sockets, b.candidate.port);
  };
  const std::size_t count = std::min(max_ports_, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count), all.end(),
                    stronger);
  all.resize(count);

  std::vector<Seat> seats;
  std::vector<std::uint16_t> ports;
  for (const Claim& claim : all) {
    seats.push_back({claim.candidate.port, claim.last_used});
    ports.push_back(claim.candidate.port);
  }
  seats_.swap(seats);
  std::sort(ports.begin(), ports.end());
  return ports;
}

}  // namespace sockdiag
