// SPDX-License-Identifier: Apache-2.0
#include "namespace_seats.hpp"

#include <algorithm>
#include <utility>

#include "sockdiag/core/snapshot_sums.hpp"
#include "sockdiag/tally/port_rules.hpp"

namespace sockdiag {

NamespaceSeats::Key NamespaceSeats::key_of(OwnerNumber owner, Direction direction,
                                           std::uint16_t port) noexcept {
  return (Key{owner} << 17U) | (Key{index_of(direction)} << 16U) | port;
}

void NamespaceSeats::forget(OwnerNumber owner) {
  const auto first = places_.lower_bound(key_of(owner, Direction{}, 0));
  const auto end = places_.lower_bound(key_of(owner + 1, Direction{}, 0));
  for (auto at = first; at != end; ++at) {
    const std::uint16_t number = at->second.number;
    if (number != 0) gone_.add({number, number});
  }
  places_.erase(first, end);
}

void NamespaceSeats::begin() noexcept {
  in_use_.clear();
  for (auto& [key, place] : places_) place.in_use = false;
}

void NamespaceSeats::add(OwnerNumber owner, const TcpSnapshot& snapshot) {
  for (const Direction direction : kDirections) {
    for (const PortCounts& counts : snapshot.of(direction).ports) {
      use(key_of(owner, direction, counts.port), connections(counts));
    }
  }
}

void NamespaceSeats::use(Key key, std::uint64_t connections) {
  Place& place = places_[key];
  place.in_use = true;
  if (place.number == 0) place.number = take_number();
  if (place.number != 0) in_use_.push_back({place.number, connections});
}

// Returns 0 if all are taken.
std::uint16_t NamespaceSeats::take_number() noexcept {
  if (numbers_.count() >= numbers_.size() - 1) return 0;
  do {
    ++last_number_;
  } while (last_number_ == 0 || numbers_[last_number_]);
  numbers_.set(last_number_);
  return last_number_;
}

void NamespaceSeats::assign(const Policy& policy, TimePoint now) {
  seats_.configure(PortRules({.exclude = gone_}), policy.max_ports);
  numbers_ &= ~gone_.ports();
  gone_.clear();
  const auto seated = seats_.assign({}, std::exchange(in_use_, {}), now, policy.retention);
  for (auto& [key, place] : places_) {
    place.seated =
        place.number != 0 && std::binary_search(seated.begin(), seated.end(), place.number);
    if (!place.in_use && !place.seated) numbers_.reset(place.number);
  }
  std::erase_if(places_,
                [](const auto& entry) { return !entry.second.in_use && !entry.second.seated; });
}

std::uint16_t NamespaceSeats::series_of(OwnerNumber owner, Direction direction,
                                        std::uint16_t port) const {
  const auto place = places_.find(key_of(owner, direction, port));
  return place != places_.end() && place->second.seated ? port : std::uint16_t{0};
}

std::vector<NamespaceSeats::Key> NamespaceSeats::seats_of(OwnerNumber owner) const {
  std::vector<Key> seats;
  const auto end = places_.lower_bound(key_of(owner + 1, Direction{}, 0));
  for (auto at = places_.lower_bound(key_of(owner, Direction{}, 0)); at != end; ++at) {
    if (at->second.seated) seats.push_back(at->first);
  }
  return seats;
}

void NamespaceSeats::fold(OwnerNumber owner, TcpSnapshot& snapshot) const {
  for (const Direction direction : kDirections) {
    DirectionCounts& counts = snapshot.directions[index_of(direction)];
    const auto is_folded = [&](const PortCounts& port) {
      if (series_of(owner, direction, port.port) != 0) return false;
      add_counts(counts.other, port);
      counts.other.seen.add(port.seen);
      ++counts.folded_ports;
      return true;
    };
    std::erase_if(counts.ports, is_folded);
    counts.ports.shrink_to_fit();
  }
}

void NamespaceSeats::fold(OwnerNumber owner, ListenerSnapshot& snapshot) const {
  const auto is_folded = [&](const ListenerCounts& port) {
    if (series_of(owner, Direction::inbound, port.port) != 0) return false;
    snapshot.other.accept_queue_peak += port.accept_queue_peak;
    return true;
  };
  std::erase_if(snapshot.ports, is_folded);
  snapshot.ports.shrink_to_fit();
}

}  // namespace sockdiag
