// SPDX-License-Identifier: Apache-2.0
#pragma once

// Encodes requests for the sockets of sock_diag's internet protocols and decodes the sockets of the
// replies (linux/inet_diag.h). Pure functions over bytes, safe from any thread.

#include <linux/inet_diag.h>
#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sockdiag/core/socket_record.hpp"

namespace sockdiag {

// Bit N is state N. Bit 13 (bound, neither listening nor connected) stays out: walking those
// sockets holds up accept() on a busy port.
inline constexpr std::uint32_t kAllStates = 0xfff;
inline constexpr std::uint32_t kListenState = 1U << 10;
inline constexpr std::uint32_t kCloseWaitState = 1U << 8;

// What the kernel adds to each socket: bit N-1 for INET_DIAG_N.
inline constexpr std::uint8_t kNoExtension = 0;
inline constexpr std::uint8_t kTcpInfo = 1U << (INET_DIAG_INFO - 1);
inline constexpr std::uint8_t kSocketMemory = 1U << (INET_DIAG_SKMEMINFO - 1);

// One request, whole. The default asks for all TCP sockets of both families in one walk of the
// kernel's hash. SOCK_DIAG_BY_FAMILY asks for the sockets of any protocol and of one family.
struct DumpRequest {
  // Replies have the same type. TCPDIAG_GETSOCK ignores `protocol`: it is for TCP alone.
  std::uint16_t message_type = TCPDIAG_GETSOCK;
  std::uint8_t family = AF_UNSPEC;  // AF_INET or AF_INET6; AF_UNSPEC with TCPDIAG_GETSOCK only
  std::uint8_t protocol = IPPROTO_TCP;
  std::uint32_t states = kAllStates;
  std::uint8_t extensions = kNoExtension;
};

[[nodiscard]] std::vector<std::byte> encode(const DumpRequest& request, std::uint32_t sequence);

// Decodes a `struct inet_diag_msg` and the attributes behind it. Reads the cgroup of each socket,
// and all attributes it knows in LISTEN, SYN_RECV and CLOSE_WAIT. Ignores a cgroup's id that is not
// 8 bytes long. Throws DumpError if bytes are missing or lengths contradict each other.
[[nodiscard]] SocketRecord decode_socket(std::span<const std::byte> payload);

}  // namespace sockdiag
