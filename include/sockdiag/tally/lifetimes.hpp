// SPDX-License-Identifier: Apache-2.0
#pragma once

// Tells for how long sockets have been in a passing state. It follows a socket from sample to
// sample by its kernel cookie (sock_gen_cookie() in net/core/sock_diag.c). The kernel gives no
// cookie twice while the host runs, and keeps it from request socket to connection to mini socket.
// So a port that is used again cannot fake an age.
//
// Ages are lower bounds. An age runs from the end of the first sample that showed the socket in its
// state, or from date(), to the beginning of the present sample. A sample that is lost between
// begin() and finish() changes no age.
//
// Not thread-safe. Memory: 16 bytes a slot, of which at most four fifths are in use. That is 20 to
// 40 bytes a followed socket (34 at 500 000), half as much again while the table grows, and up to
// 64 after most sockets have gone. Sockets that have gone keep their slots until the sample is
// complete: until then there may be a quarter more than the budget has room for. After a sample
// that had no room for all, there may be only as many more as went in that sample.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "sockdiag/core/tcp_state.hpp"
#include "sockdiag/tally/cookie_table.hpp"
#include "sockdiag/tally/lifetime_budget.hpp"
#include "sockdiag/tally/round.hpp"

namespace sockdiag {

class Lifetimes {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Milliseconds = std::chrono::milliseconds;

  // Takes its sockets from `budget`, which must live longer. Sockets that are followed already stay
  // followed, even if there is less room later.
  explicit Lifetimes(LifetimeBudget& budget, NetworkKind kind = NetworkKind::own) noexcept
      : budget_(budget), kind_(kind) {}
  Lifetimes(const Lifetimes&) = delete;
  Lifetimes& operator=(const Lifetimes&) = delete;
  ~Lifetimes() { budget_.change(kind_, taken_, 0); }

  // Tells before a sample that the socket has been in `state` since `since` at least. Throws
  // std::bad_alloc.
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

  // Completes the sample, which ended at `now`: forgets sockets that it did not show.
  void finish(TimePoint now) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return followed_.size(); }
  // Returns, after finish(), the sockets of the sample that there was no room for.
  [[nodiscard]] std::size_t unfollowed() const noexcept { return unfollowed_; }

 private:
  struct Followed {
    std::uint64_t since_ms : 48;  // by the steady clock, rounded up; 0 while `fresh`
    std::uint64_t state : 4;
    std::uint64_t fresh : 1;  // first seen in this state by the present sample
    std::uint64_t round : 8;  // of the last sample that showed it; 0: none of late
    std::uint64_t used : 1;   // for CookieTable
  };
  static_assert(sizeof(Followed) == sizeof(std::uint64_t));

  void take_from_budget() noexcept;
  [[nodiscard]] Followed seen_first(TcpState state) const noexcept;
  void keep(std::size_t most, std::uint64_t end_ms) noexcept;

  LifetimeBudget& budget_;
  NetworkKind kind_;
  CookieTable<Followed> followed_;
  std::size_t taken_ = 0;        // from the budget
  std::size_t max_sockets_ = 0;  // at the end of the present sample
  std::size_t most_ = 0;         // during it
  // How many went in the last sample, if that had no room for all.
  std::size_t went_ = std::numeric_limits<std::size_t>::max();
  std::size_t unfollowed_ = 0;
  std::size_t seen_ = 0;    // followed sockets that the present sample has shown
  bool any_fresh_ = false;  // since the last complete sample
  std::uint64_t now_ms_ = 0;
  Round round_;  // of the present sample
};

}  // namespace sockdiag
