// SPDX-License-Identifier: Apache-2.0
#pragma once

// One socket as the kernel describes it in one `struct inet_diag_msg` (linux/inet_diag.h), decoded
// and in host byte order. A plain value.

#include <chrono>
#include <cstdint>
#include <optional>

#include "sockdiag/core/ip_address.hpp"

namespace sockdiag {

// The kernel structure that holds the connection. Request and time-wait sockets ("mini sockets")
// have no owner: their uid and inode are 0 and mean nothing.
enum class SocketKind : std::uint8_t {
  full,       // struct tcp_sock
  request,    // struct request_sock: SYN_RECV before the handshake's last ACK
  time_wait,  // struct inet_timewait_sock: TIME_WAIT, and FIN_WAIT2 after close()
};

struct SocketRecord {
  // The kernel's number of the state. It may be none of the known states; TcpTally counts those.
  std::uint8_t state_number = 0;
  SocketKind kind = SocketKind::full;
  // IPv4 connections do not reach this listener. Means nothing unless it listens on `::`.
  bool ipv6_only = false;
  std::uint16_t local_port = 0;
  std::uint16_t remote_port = 0;
  IpAddress local_address;
  IpAddress remote_address;
  // Bytes. Of a listener: length and limit of its accept queue, in sockets.
  std::uint32_t receive_queue = 0;
  std::uint32_t send_queue = 0;
  std::uint64_t cookie = 0;  // unique, and the same while the connection lives
  std::uint32_t inode = 0;   // 0 without an owner: mini sockets, orphans, and before accept()
  // The id of the cgroup in which the socket was made: the inode of its directory (cgroup v2), 1 on
  // hosts with cgroup v1 alone. 0 without one: mini sockets, and kernels before 5.8.
  std::uint64_t cgroup = 0;
  std::uint8_t retransmits = 0;
  std::chrono::milliseconds timer_remaining{};  // until the running timer fires; 0 without one
  // Segments that the kernel has dropped at this socket so far (sk_drops). Only if the dump asked
  // for socket memory.
  std::optional<std::uint32_t> drops{};
  // Time since the last segment that acknowledged something. Only if the dump asked for tcp_info.
  std::optional<std::chrono::milliseconds> since_last_ack{};
};

}  // namespace sockdiag
