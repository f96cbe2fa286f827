// SPDX-License-Identifier: Apache-2.0
#pragma once

// The two requests for TCP sockets that sock_diag knows, and what it answers (linux/inet_diag.h).
// Pure functions over bytes, safe from any thread.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sockdiag/core/socket_record.hpp"

namespace sockdiag {

// Which tables one request walks.
enum class DumpScope : std::uint8_t {
  both_families,  // TCPDIAG_GETSOCK (18): IPv4 and IPv6 in one walk of the kernel's hash
  ipv4,           // SOCK_DIAG_BY_FAMILY (20), AF_INET
  ipv6,           // SOCK_DIAG_BY_FAMILY (20), AF_INET6
};

// Bit N is state N. Bit 13 (bound, neither listening nor connected) is never asked for: walking
// those sockets holds up accept() on a busy port.
inline constexpr std::uint32_t kAllStates = 0xfff;
inline constexpr std::uint32_t kListenState = 1U << 10;
inline constexpr std::uint32_t kCloseWaitState = 1U << 8;

// What the kernel is asked to add to each answer: bit N-1 for INET_DIAG_N.
inline constexpr std::uint8_t kNoExtension = 0;
inline constexpr std::uint8_t kTcpInfo = 1U << 1;       // INET_DIAG_INFO
inline constexpr std::uint8_t kSocketMemory = 1U << 6;  // INET_DIAG_SKMEMINFO

struct DumpRequest {
  DumpScope scope = DumpScope::both_families;
  std::uint32_t states = kAllStates;
  std::uint8_t extensions = kNoExtension;
};

[[nodiscard]] std::vector<std::byte> encode(const DumpRequest& request, std::uint32_t sequence);

// Decodes a `struct inet_diag_msg` and the attributes after it; attributes it does not know are
// skipped, and all of sockets that are not in LISTEN, SYN_RECV or CLOSE_WAIT. Throws DumpError
// where bytes are missing or lengths contradict each other.
[[nodiscard]] SocketRecord decode_socket(std::span<const std::byte> payload);

}  // namespace sockdiag
