// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/port_seats.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace sockdiag {

void PortSeats::configure(const PortRules& rules, std::size_t max_ports) {
  max_ports_ = max_ports;
  std::erase_if(seats_, [&](const Seat& seat) { return rules.is_excluded(seat.port); });
}

std::vector<PortSeats::Claim> PortSeats::claims(const std::vector<std::uint16_t>& configured,
                                                const std::vector<Candidate>& in_use, TimePoint now,
                                                Duration retention) const {
  std::map<std::uint16_t, Claim> by_port;
  for (const auto& [port, sockets] : in_use) {
    by_port[port] = {.seat = {port, now, {sockets, now}}, .sockets = sockets};
  }
  for (const std::uint16_t port : configured) {
    Claim& claim = by_port[port];
    claim.seat.port = port;
    claim.seat.last_used = now;
    claim.configured = true;
  }
  for (const Seat& seat : seats_) {
    const auto found = by_port.find(seat.port);
    if (found != by_port.end()) {
      found->second.seated = true;
      Peak& peak = found->second.seat.peak;
      if (seat.peak.sockets > peak.sockets && seat.peak.at + retention >= now) peak = seat.peak;
    } else if (seat.last_used + retention >= now) {
      by_port[seat.port] = {.seat = seat, .seated = true};
    }
  }
  std::vector<Claim> all;
  all.reserve(by_port.size());
  for (const auto& [port, claim] : by_port) all.push_back(claim);
  return all;
}

// Lets the weakest of those in seats yield to the busiest of the others. `sorted`: those in seats
// come first.
void PortSeats::yield_seats(std::vector<Claim>& sorted, std::size_t seats) {
  const auto others = sorted.begin() + static_cast<std::ptrdiff_t>(seats);
  const auto first =
      std::find_if(sorted.begin(), others, [](const Claim& claim) { return !claim.configured; });
  std::sort(first, others, [](const Claim& a, const Claim& b) {
    return std::tuple(a.seat.peak.sockets, b.seat.port) <
           std::tuple(b.seat.peak.sockets, a.seat.port);
  });
  auto busiest = others;
  for (auto weakest = first; weakest != others && busiest != sorted.end(); ++weakest, ++busiest) {
    const std::uint64_t strength = std::max<std::uint64_t>(weakest->seat.peak.sockets, 1);
    if (busiest->sockets < kFarBusier * strength) return;
    std::swap(*weakest, *busiest);
  }
}

std::vector<std::uint16_t> PortSeats::assign(const std::vector<std::uint16_t>& configured,
                                             const std::vector<Candidate>& in_use, TimePoint now,
                                             Duration retention) {
  std::vector<Claim> all = claims(configured, in_use, now, retention);
  std::sort(all.begin(), all.end(), [](const Claim& a, const Claim& b) {
    return std::tuple(b.configured, b.seated, b.sockets, a.seat.port) <
           std::tuple(a.configured, a.seated, a.sockets, b.seat.port);
  });
  const std::size_t count = std::min(max_ports_, all.size());
  yield_seats(all, count);
  all.resize(count);

  std::vector<Seat> seats;
  std::vector<std::uint16_t> ports;
  seats.reserve(all.size());
  ports.reserve(all.size());
  for (const Claim& claim : all) {
    seats.push_back(claim.seat);
    ports.push_back(claim.seat.port);
  }
  seats_.swap(seats);
  std::sort(ports.begin(), ports.end());
  return ports;
}

}  // namespace sockdiag
