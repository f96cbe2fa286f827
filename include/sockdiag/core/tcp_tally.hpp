// SPDX-License-Identifier: Apache-2.0
#pragma once

// Folds the sockets of one dump into counts by direction, port, state and address family, and
// keeps between dumps what makes those counts steady: the listeners lately gone and the ports that
// have series. A sample is begin(), add() for each socket in any order that has listeners before
// connections (as the kernel dumps them), finish(). A begin() without finish() before it drops the
// lost sample whole.
//
// Not thread-safe. Nothing is allocated per socket: memory grows with distinct ports, at most
// 65 535 a direction. add() takes a few tens of nanoseconds.

#include <array>
#include <chrono>

#include "sockdiag/core/direction.hpp"
#include "sockdiag/core/listener_table.hpp"
#include "sockdiag/core/port_policy.hpp"
#include "sockdiag/core/port_seats.hpp"
#include "sockdiag/core/port_table.hpp"
#include "sockdiag/core/socket_record.hpp"
#include "sockdiag/core/tcp_snapshot.hpp"

namespace sockdiag {

class TcpTally {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit TcpTally(PortPolicy policy);

  // Between samples; ports that stay allowed keep their series.
  void set_policy(PortPolicy policy);

  // `ephemeral`: the namespace's net.ipv4.ip_local_port_range.
  void begin(PortRange ephemeral, TimePoint now);
  void add(const SocketRecord& record);
  [[nodiscard]] TcpSnapshot finish();

 private:
  void add_listener(const SocketRecord& record);
  void add_connection(const SocketRecord& record, TcpState state);
  [[nodiscard]] bool is_inbound(const SocketRecord& record, TcpState state) const noexcept;
  [[nodiscard]] PortCounts& counts_of(Direction direction, std::uint16_t port);
  [[nodiscard]] bool may_have_series(Direction direction, std::uint16_t port) const noexcept;
  [[nodiscard]] DirectionCounts finish(Direction direction);
  [[nodiscard]] PortSeats& seats(Direction direction) { return seats_[index_of(direction)]; }
  [[nodiscard]] PortTable& table(Direction direction) { return tables_[index_of(direction)]; }

  PortPolicy policy_;
  PortRange ephemeral_;
  TimePoint now_;
  ListenerTable listeners_;
  std::array<PortSeats, kDirections.size()> seats_;
  std::array<PortTable, kDirections.size()> tables_;
  std::array<StateCounts, kAddressFamilyNames.size()> families_{};
  std::uint64_t sockets_ = 0;
  std::uint64_t unknown_state_sockets_ = 0;
};

}  // namespace sockdiag
