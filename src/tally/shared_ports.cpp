// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/tally/shared_ports.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sockdiag {
namespace {

// How likely chance may give any port of a sample as many sockets as threshold() says.
constexpr double kRareEvent = 1e-9;
// So many sockets of one port are no chance, unless a sample has very many clients.
constexpr std::uint16_t kCertain = 64;
// Peers choose from ranges of their own. Windows and RFC 6335, section 6, have the smallest.
constexpr std::size_t kFewestPeerPorts = 16384;
// If more than this share of ports is in use, their number says little about the sockets of each.
constexpr double kNearlyAll = 0.9;
// Above this mean, that many standard deviations more are rarer than kRareEvent.
constexpr double kLargeMean = 16;
constexpr double kFarAbove = 10;

using Limit = std::numeric_limits<std::uint16_t>;

// Returns how many sockets a port has on average if clients chose all `used` ports at random. Linux
// chooses ports of one parity as long as there are any (inet_hash_connect()): hence half of them.
double mean_sockets(std::size_t sockets, std::size_t used, std::size_t ports) {
  const double choice = static_cast<double>(ports) / 2;
  const double share = static_cast<double>(used) / choice;
  return share < kNearlyAll ? -std::log1p(-share) : static_cast<double>(sockets) / choice;
}

}  // namespace

std::size_t SharedPorts::threshold(std::size_t sockets, std::size_t used, std::size_t ports) {
  const double mean = mean_sockets(sockets, used, ports);
  if (mean > kLargeMean) {
    return static_cast<std::size_t>(mean + kFarAbove * (std::sqrt(mean) + 1));
  }
  std::array<double, 128> probabilities{std::exp(-mean)};  // by number of sockets
  for (std::size_t i = 1; i < probabilities.size(); ++i) {
    probabilities[i] = probabilities[i - 1] * mean / static_cast<double>(i);
  }
  double at_least = 0;
  std::size_t enough = probabilities.size();
  while (enough > 1) {
    at_least += probabilities[enough - 1];
    if (at_least * static_cast<double>(ports) >= kRareEvent) break;
    --enough;
  }
  return enough;
}

void SharedPorts::begin(Memory& memory) {
  memory_ = &memory;
  for (const Direction direction : kDirections) {
    Side& side = sides_[index_of(direction)];
    for (const std::uint16_t port : side.used) side.sockets[port] = 0;
    side.used.clear();
    side.total = 0;
    weigh(side, memory[index_of(direction)]);
  }
}

void SharedPorts::weigh(Side& side, const std::vector<Service>& services) {
  for (const std::uint16_t port : side.weighted) side.weights[port] = 0;
  side.weighted.clear();
  for (const Service& service : services) {
    side.weighted.push_back(service.port);
    side.weights[service.port] = service.sockets;
  }
}

void SharedPorts::count(Side& side, std::uint16_t port) {
  std::uint16_t& sockets = side.sockets[port];
  if (sockets == 0) side.used.push_back(port);
  if (sockets == Limit::max()) return;
  ++sockets;
  ++side.total;
}

// If one end is certain to be the service's, the port of the other end is a client's: leave it out.
bool SharedPorts::add(std::uint16_t local_port, std::uint16_t remote_port, bool otherwise) {
  Side& local = sides_[index_of(Direction::inbound)];
  Side& remote = sides_[index_of(Direction::outbound)];
  const std::uint16_t local_weight = local.weights[local_port];
  const std::uint16_t remote_weight = remote.weights[remote_port];
  const bool is_inbound = local_weight > remote_weight;
  if (local_weight != remote_weight) {
    count(is_inbound ? local : remote, is_inbound ? local_port : remote_port);
    return is_inbound;
  }
  const bool local_certain = local.sockets[local_port] >= kCertain;
  const bool remote_certain = remote.sockets[remote_port] >= kCertain;
  if (local_certain || !remote_certain) count(local, local_port);
  if (remote_certain || !local_certain) count(remote, remote_port);
  return otherwise;
}

bool SharedPorts::learn(Direction direction, std::size_t ports, TimePoint now, Duration retention) {
  Side& side = sides_[index_of(direction)];
  std::vector<Service>& services = (*memory_)[index_of(direction)];
  const std::size_t known = services.size();
  const std::size_t enough = threshold(side.total, side.used.size(), ports);
  for (const std::uint16_t port : side.used) {
    if (side.weights[port] == 0 && side.sockets[port] >= enough) services.push_back({.port = port});
  }
  const bool any_new = services.size() > known;
  for (Service& service : services) {
    const std::uint16_t sockets = side.sockets[service.port];
    if (sockets > 0) service.last_used = now;
    service.sockets = std::max(sockets, std::uint16_t{1});
  }
  std::erase_if(services, [&](const Service& each) { return each.last_used + retention < now; });
  weigh(side, services);
  return any_new;
}

bool SharedPorts::learn(std::size_t ephemeral_ports, TimePoint now, Duration retention) {
  const std::size_t own = ephemeral_ports > 0 ? ephemeral_ports : kFewestPeerPorts;
  const std::size_t of_peers = std::max(ephemeral_ports, kFewestPeerPorts);
  const bool new_local = learn(Direction::inbound, own, now, retention);
  const bool new_remote = learn(Direction::outbound, of_peers, now, retention);
  return new_local || new_remote;
}

}  // namespace sockdiag
