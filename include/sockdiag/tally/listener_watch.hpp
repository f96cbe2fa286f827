// SPDX-License-Identifier: Apache-2.0
#pragma once

// Watches the listeners between samples: the highest accept queue of each port over a trailing
// window, and the SYNs and handshake ACKs that the kernel dropped.
//
// A listening socket's own counter (sk_drops) counts more than drops: each connection that
// TCP_DEFER_ACCEPT holds back, and each repeated SYN that was answered. So ports are never credited
// with more than ListenDrops grew, the kernel's count of drops at all listeners. Ports whose accept
// queue was full come first, then the others. Where the growth does not suffice for a group, each
// of its ports gets what the rest of the group cannot have taken; what nobody can tell is in no
// port's counter.
//
// The growth runs from a read before the dump of the poll before, since a drop that happens during
// a dump may be shown by the next one only, to a read after this dump. Reading ListenDrops costs
// more than a dump of a hundred listeners, so it is read while there is news only: a counter that
// moved, a listener that came or went. Without news there is nothing to credit, and ListenDrops
// cannot have grown (tcp_listendrop() in include/net/tcp.h counts both) but by drops of a listener
// that came and went between two polls; these are forgotten at the next read, after kReadAge at the
// latest. A poll that meets news without a read before its dump is taken again.
//
// Counting begins with the first poll. Counters are followed by cookie: a listener that is closed
// and opened anew, or one of many that share the port (SO_REUSEPORT), counts on. Drops between a
// listener's last poll and its end cannot be known. A poll may miss a listener, or find it between
// shutdown() and listen(): its count is kept for kRetention.
//
// A poll is begin(), add() for each listener, finish(); a begin() without finish() before it drops
// the lost poll whole. Not thread-safe. Memory grows with listeners, those of the last kRetention
// up to kMaxRemembered included, and, for the peaks, with ports that have series.

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
#include "sockdiag/tally/listener_table.hpp"

namespace sockdiag {

class ListenerWatch {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  static constexpr std::chrono::minutes kRetention{10};
  // After this time ListenDrops is read, even if nothing happens.
  static constexpr std::chrono::seconds kReadAge{10};
  // Above this many, listeners that are gone are forgotten at once.
  static constexpr std::size_t kMaxRemembered = 65536;

  // The kernel's ListenDrops of the polled network namespace; nothing where it cannot be read.
  using ListenDrops = std::optional<std::uint64_t>;
  using ReadListenDrops = std::function<ListenDrops()>;

  // A sample has told which of the `listening` ports have series, and the accept queues of that
  // moment. Other ports have no peaks until a sample has seen them, and their drops wait.
  void record_seen(const DirectionCounts& inbound, const PortSet& listening, TimePoint now);

  // Before the dump. Both call `read` where they need ListenDrops, and throw what it throws.
  void begin(TimePoint now, const ReadListenDrops& read);
  // Other sockets than listeners are passed over.
  void add(const SocketRecord& record);
  // After the dump. Returns false where the poll has to be taken again, once: nothing is counted.
  [[nodiscard]] bool finish(TimePoint now, const ReadListenDrops& read);

  // Peaks of the `window` before `now`.
  [[nodiscard]] ListenerSnapshot report(TimePoint now, Duration window);

 private:
  // The highest of the queue lengths of a window: those that a later one has not reached.
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
    bool used = false;        // the table's own
    TimePoint last_seen;
  };

  struct PortDrops {
    std::uint16_t port = 0;
    std::uint64_t drops = 0;
  };

  // The port, or 0 where it has no series of its own.
  [[nodiscard]] std::uint16_t series_of(std::uint16_t port) const;
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

  std::vector<std::uint16_t> seated_;  // ascending
  PortSet known_;                      // with series or without
  std::map<std::uint16_t, Peak> peaks_;
  std::map<std::uint16_t, std::uint64_t> lengths_;  // of the poll that runs
  std::vector<Polled> polled_;                      // by the poll that runs
  std::vector<PortDrops> claims_;                   // what ports' own counters grew by, 0 left out
  std::vector<std::uint16_t> full_;                 // ports with a full queue in the poll that runs
  std::vector<std::uint16_t> full_before_;          // and in the one before; both ascending
  CookieTable<Counted> counted_;
  std::map<std::uint16_t, std::uint64_t> dropped_;  // by series, 0 for those without
  std::map<std::uint16_t, std::uint64_t> waiting_;  // by port that no sample has seen yet
  ListenDrops before_;                              // read before the dump of the poll that runs
  // What ListenDrops was before the first drop that the next dump may be the first to show, plus
  // the drops after it that are in a counter already; nothing where it could not be read.
  ListenDrops base_;
  TimePoint read_at_;
  TimePoint finished_at_;      // the last poll
  std::size_t listeners_ = 0;  // that it showed
  bool counters_moved_ = false;
  bool news_ = true;      // in the last poll, or a read failed: then the next one reads
  bool reads_ = false;    // the poll that runs
  bool all_told_ = true;  // each listener of the poll that runs has told its drops
  bool known_drops_ = false;
};

}  // namespace sockdiag
