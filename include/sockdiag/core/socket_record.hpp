// SPDX-License-Identifier: Apache-2.0
#pragma once

// One socket as the kernel described it in one `struct inet_diag_msg` (linux/inet_diag.h), decoded
// and in host byte order. A plain value without ownership.

#include <chrono>
#include <cstdint>
#include <optional>

#include "sockdiag/core/ip_address.hpp"

namespace sockdiag {

// What the kernel keeps of a connection: metrics of owners and lifetimes lean on it, counts do not.
// Mini sockets have no owner: their uid and inode are zero and mean nothing.
enum class SocketKind : std::uint8_t {
  full,       // struct tcp_sock
  request,    // struct request_sock: SYN_RECV before the handshake's last ACK
  time_wait,  // struct inet_timewait_sock: TIME_WAIT, and FIN_WAIT2 after close()
};

struct SocketRecord {
  // As the kernel numbers it. May lie outside the known states: the Tally counts that.
  std::uint8_t state_number = 0;
  SocketKind kind = SocketKind::full;
  // Meant for listeners on `::` only: IPv4 connections do not reach them.
  bool ipv6_only = false;
  std::uint16_t local_port = 0;
  std::uint16_t remote_port = 0;
  IpAddress local_address;
  IpAddress remote_address;
  // Bytes; on a listener the accept queue's length and limit in sockets.
  std::uint32_t receive_queue = 0;
  std::uint32_t send_queue = 0;
  std::uint64_t cookie = 0;  // the same for as long as the connection lives, and no other's
  std::uint32_t inode = 0;   // 0 without an owner: mini sockets, orphans, and before accept()
  std::uint8_t retransmits = 0;
  std::chrono::milliseconds timer_remaining{};  // until the timer fires that runs, if any
  // Segments that the kernel has dropped at this socket so far (sk_drops), where socket memory was
  // asked for.
  std::optional<std::uint32_t> drops{};
  // Time since the last segment that acknowledged something, where tcp_info was asked for.
  std::optional<std::chrono::milliseconds> since_last_ack{};
};

}  // namespace sockdiag
