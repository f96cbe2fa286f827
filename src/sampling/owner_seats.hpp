// SPDX-License-Identifier: Apache-2.0
#pragma once

// Decides which keys have series of their own ("seats"), as PortSeats does for ports: those that
// have a seat already, then the busiest. A key loses its seat when it has not been in use for the
// retention, or to one that is kFarBusier times as busy. One that is gone for good, and not in use,
// loses it to any other. Not thread-safe.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

namespace sockdiag {

template <typename Key>
class Seats {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;
  using InUse = std::map<Key, std::uint64_t>;  // sockets by key

  static constexpr std::uint64_t kFarBusier = 10;

  // Assigns the seats anew. is_gone(key): it will not be in use again. Throws std::bad_alloc.
  template <typename Predicate>
  void assign(const InUse& in_use, std::size_t seats, TimePoint now, Duration retention,
              const Predicate& is_gone) {
    for (auto& [key, seat] : seats_) {
      const auto used = in_use.find(key);
      const bool is_used = used != in_use.end();
      seat.sockets = is_used ? used->second : 0;
      if (is_used) seat.last_used = now;
      seat.is_gone = !is_used && is_gone(key);
    }
    std::erase_if(seats_,
                  [&](const auto& each) { return each.second.last_used + retention < now; });
    while (seats_.size() > seats) seats_.erase(weakest());
    for (const auto& [key, sockets] : busiest_first(in_use)) {
      if (seats_.size() == seats && !make_room_for(sockets)) return;
      seats_.emplace(key, Seat{now, sockets});
    }
  }

  [[nodiscard]] bool has(const Key& key) const { return seats_.contains(key); }

  // Takes away the seats of keys for which is_gone(key) is true.
  template <typename Predicate>
  void erase_if(const Predicate& is_gone) {
    std::erase_if(seats_, [&](const auto& each) { return is_gone(each.first); });
  }

  // Calls visit(key) for each key with a seat, in their order.
  template <typename Visit>
  void for_each(const Visit& visit) const {
    for (const auto& [key, seat] : seats_) visit(key);
  }

 private:
  struct Seat {
    TimePoint last_used;
    std::uint64_t sockets = 0;
    bool is_gone = false;
  };

  [[nodiscard]] auto weakest() {
    return std::min_element(seats_.begin(), seats_.end(), [](const auto& a, const auto& b) {
      return std::pair(!a.second.is_gone, a.second.sockets) <
             std::pair(!b.second.is_gone, b.second.sockets);
    });
  }

  // Those without a seat.
  [[nodiscard]] std::vector<std::pair<Key, std::uint64_t>> busiest_first(
      const InUse& in_use) const {
    std::vector<std::pair<Key, std::uint64_t>> others;
    std::copy_if(in_use.begin(), in_use.end(), std::back_inserter(others),
                 [&](const auto& each) { return !has(each.first); });
    std::stable_sort(others.begin(), others.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    return others;
  }

  [[nodiscard]] bool make_room_for(std::uint64_t sockets) {
    const auto victim = weakest();
    if (victim == seats_.end()) return false;
    const Seat& seat = victim->second;
    const auto enough = seat.is_gone ? 0 : kFarBusier * std::max<std::uint64_t>(seat.sockets, 1);
    if (sockets < enough) return false;
    seats_.erase(victim);
    return true;
  }

  std::map<Key, Seat> seats_;
};

}  // namespace sockdiag
