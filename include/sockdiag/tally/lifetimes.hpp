// SPDX-License-Identifier: Apache-2.0
#pragma once

// How long sockets have been in a passing state. A socket is followed from sample to sample by its
// kernel cookie (sock_gen_cookie() in net/core/sock_diag.c: never given twice while the host runs,
// kept from request socket to connection to mini socket), so a port that is used again cannot fake
// an age. Ages are lower bounds: they run from the end of the sample that saw the socket in the
// state first to the beginning of the present one, or from date() on. A sample that is lost between
// begin() and finish() costs nobody an age.
//
// Not thread-safe. Memory: 16 bytes a slot, of which up to four fifths are in use: 20 to 40 bytes a
// followed socket (34 at 500 000), half as much again while the table grows, and up to 64 while a
// pile shrinks. Sockets that have gone are kept until the sample is complete: until then there may
// be a quarter more than `max_sockets`; after a sample that had no room for all, only as many more
// as went at that one.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "sockdiag/core/tcp_state.hpp"
#include "sockdiag/tally/cookie_table.hpp"

namespace sockdiag {

class Lifetimes {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Milliseconds = std::chrono::milliseconds;

  // Those that are followed already stay so, also beyond a lower limit.
  void set_max_sockets(std::size_t max_sockets) noexcept;

  // Before a sample: the socket is known to have been in `state` since `since` at least.
  void date(std::uint64_t cookie, TcpState state, TimePoint since);

  void begin(TimePoint now);

  // Returns for how long, at least, the socket has been in `state`: 0 if this sample is the first
  // to show it there. Returns nothing if there is no room to follow it.
  [[nodiscard]] std::optional<Milliseconds> follow(std::uint64_t cookie, TcpState state);

  // Follows a batch of sockets, each with a `cookie` and a `state`, and calls take(socket, age) for
  // each one that there is room for. Faster than one at a time where caches do not hold the table.
  template <typename Socket, typename Take>
  void follow(std::span<const Socket> sockets, const Take& take) {
    followed_.prefetch(sockets);
    for (const Socket& socket : sockets) {
      if (const auto age = follow(socket.cookie, socket.state)) take(socket, *age);
    }
  }

  // Forgets the sockets that were not seen since begin(). `now`: the sample's end.
  void finish(TimePoint now) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return followed_.size(); }
  // After finish(): sockets of this sample that there was no room for.
  [[nodiscard]] std::size_t unfollowed() const noexcept { return unfollowed_; }

 private:
  struct Followed {
    std::uint64_t since_ms : 48;  // of the steady clock, rounded up; not set yet while `fresh`
    std::uint64_t state : 4;
    std::uint64_t fresh : 1;  // first seen in this state by the sample that runs
    std::uint64_t round : 8;  // of the last sample that saw it
    std::uint64_t used : 1;   // the table's own
  };
  static_assert(sizeof(Followed) == sizeof(std::uint64_t));

  [[nodiscard]] Followed seen_first(TcpState state) const noexcept;
  void forget_gone() noexcept;
  void keep(std::size_t most, std::uint64_t end_ms) noexcept;

  CookieTable<Followed> followed_;
  std::size_t max_sockets_ = 0;
  std::size_t room_for_gone_ = 0;  // beyond max_sockets_, during a sample
  std::size_t unfollowed_ = 0;
  std::size_t seen_ = 0;    // by the sample that runs, of those followed
  bool any_fresh_ = false;  // since the last complete sample
  std::uint64_t now_ms_ = 0;
  std::uint8_t round_ = 0;  // of the sample that runs
};

}  // namespace sockdiag
