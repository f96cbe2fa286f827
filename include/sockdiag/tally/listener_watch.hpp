// SPDX-License-Identifier: Apache-2.0
#pragma once

// Watches the listeners between samples. It finds the highest accept queue of each port over a
// trailing window, and counts the SYNs and handshake ACKs that the kernel dropped at each port.
//
// A listening socket's own counter (sk_drops) grows by more than drops: also by each connection
// that TCP_DEFER_ACCEPT holds back, and by each repeated SYN that was answered. So all ports
// together get no more than the growth of ListenDrops, the kernel's count of drops at all
// listeners. Ports whose accept queue was full are credited first, then the others. If the growth
// does not suffice for a group, each of its ports gets only what the rest of the group cannot have
// taken. Drops that belong to no certain port are in no port's counter.
//
// The growth is that of ListenDrops from before the dump of the last poll until after the dump of
// this one, because the next dump may be the first to show a drop that happens during a dump.
// Reading ListenDrops costs more than a dump of a hundred listeners. So a poll reads it only on
// news: a counter has moved, or a listener has come or gone. Without news there is nothing to
// credit. ListenDrops can then only have grown (tcp_listendrop() in include/net/tcp.h counts both)
// by drops of a listener that came and went between two polls. The next read, after kReadAge at the
// latest, discards these. A poll that finds news without a read before its dump must be repeated.
//
// Counting begins with the first poll. Counters are followed by cookie. So a listener that is
// closed and opened again counts on, and so does one of many that share a port (SO_REUSEPORT).
// Drops between a listener's last poll and its end are not known. A poll may miss a listener, or
// find it between shutdown() and listen(): its count is kept for kRetention.
//
// One poll is begin(), add() for each listener, and finish(). begin() drops a poll that was not
// finished as a whole. Not thread-safe. Functions that are not noexcept may throw std::bad_alloc.
// Memory grows with listeners, including those of the last kRetention up to kMaxRemembered, and
// with ports that have series.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "sockdiag/core/listener_snapshot.hpp"
#include "sockdiag/core/socket_record.hpp"
#include "sockdiag/core/tcp_snapshot.hpp"
#include "sockdiag/tally/cookie_table.hpp"

namespace sockdiag {

class ListenerWatch {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  static constexpr std::chrono::minutes kRetention{10};
  // After this time ListenDrops is read also without news.
  static constexpr std::chrono::seconds kReadAge{10};
  // With more listeners than this, they are forgotten as soon as they have gone.
  static constexpr std::size_t kMaxRemembered = 65536;

  // The kernel's ListenDrops of the polled network namespace. Nothing if it cannot be read.
  using ListenDrops = std::optional<std::uint64_t>;
  using ReadListenDrops = std::function<ListenDrops()>;

  // Takes over from a sample which of the `listening` ports, which are ascending, have series, and
  // its accept queues. A port that no sample has shown yet has no peak, and its drops are counted
  // once one shows it.
  void record_seen(const DirectionCounts& inbound, std::vector<std::uint16_t> listening,
                   TimePoint now);

  // Begins a poll, before its dump. begin() and finish() call `read` if they need ListenDrops, and
  // let its exceptions through.
  void begin(TimePoint now, const ReadListenDrops& read);
  // Ignores sockets that are no listeners.
  void add(const SocketRecord& record);
  // Completes the poll, after its dump. Returns false, and counts nothing, if the poll must be
  // repeated; the repeated one returns true.
  [[nodiscard]] bool finish(TimePoint now, const ReadListenDrops& read);

  // Returns the counters, and the peaks in the `window` before `now`.
  [[nodiscard]] ListenerSnapshot report(TimePoint now, Duration window);

 private:
  // The highest queue length of a window. Keeps the lengths that no later one has reached.
  class Peak {
   public:
    void record_seen(std::uint64_t length, TimePoint now);
    [[nodiscard]] std::uint64_t since(TimePoint start);

   private:
    struct Seen {
      TimePoint at;
      std::uint64_t length = 0;
    };
    std::vector<Seen> falling_;  // oldest and highest first
  };

  struct Polled {
    std::uint64_t cookie = 0;
    std::uint16_t port = 0;
    std::uint32_t drops = 0;
  };
  struct Counted {
    std::uint32_t drops = 0;  // wraps, as the kernel's does
    bool used = false;        // for CookieTable
    TimePoint last_seen;
  };

  struct PortDrops {
    std::uint16_t port = 0;
    std::uint64_t drops = 0;
  };

  // Returns the port, or 0 if it has no series of its own.
  [[nodiscard]] std::uint16_t series_of(std::uint16_t port) const;
  [[nodiscard]] bool knows(std::uint16_t port) const noexcept;
  void count_waiting();
  void make_room();
  void count_poll(TimePoint now, ListenDrops after) noexcept;
  void take_claims(TimePoint now) noexcept;
  [[nodiscard]] std::uint64_t credit_until(std::uint64_t after) noexcept;
  [[nodiscard]] std::uint64_t credit(std::uint64_t growth) noexcept;
  [[nodiscard]] std::uint64_t credit(std::vector<PortDrops>::iterator first,
                                     std::vector<PortDrops>::iterator last,
                                     std::uint64_t growth) noexcept;
  [[nodiscard]] std::uint64_t& drops_of(std::uint16_t port) noexcept;
  [[nodiscard]] bool was_full(std::uint16_t port) const noexcept;
  void forget_gone(TimePoint now) noexcept;
  [[nodiscard]] ListenerCounts counts_of(std::uint16_t series, TimePoint start);

  std::vector<std::uint16_t> seated_;  // ports with series, ascending
  std::vector<std::uint16_t> known_;   // ports that a sample has shown, ascending
  std::map<std::uint16_t, Peak> peaks_;
  std::map<std::uint16_t, std::uint64_t> lengths_;  // of the present poll
  std::vector<Polled> polled_;                      // by the present poll
  std::vector<PortDrops> claims_;                   // growth of ports' own counters, without zeros
  std::vector<std::uint16_t> full_;                 // ports with a full queue in the present poll
  std::vector<std::uint16_t> full_before_;          // and in the poll before; both ascending
  CookieTable<Counted> counted_;
  std::map<std::uint16_t, std::uint64_t> dropped_;  // by port; 0: all ports without series
  std::map<std::uint16_t, std::uint64_t> waiting_;  // by port that no sample has shown yet
  ListenDrops before_;                              // read before the dump of the present poll
  // ListenDrops before the first drop that the next dump may be the first to show, plus later drops
  // that have been credited already. Nothing if it could not be read.
  ListenDrops base_;
  TimePoint read_at_;
  TimePoint finished_at_;      // the last poll
  std::size_t listeners_ = 0;  // that the last poll showed
  bool counters_moved_ = false;
  bool news_ = true;            // in the last poll, or a read failed: the next one reads
  bool reads_ = false;          // in the present poll
  bool all_have_drops_ = true;  // the present poll knows the drops of each listener
  bool known_drops_ = false;
};

}  // namespace sockdiag
