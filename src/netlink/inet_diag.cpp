// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/netlink/inet_diag.hpp"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <optional>

#include "sockdiag/core/tcp_state.hpp"
#include "sockdiag/netlink/dump_error.hpp"

namespace sockdiag {
namespace {

// idiag_timer of a TIME_WAIT mini socket (inet_twsk_diag_fill() in net/ipv4/inet_diag.c).
constexpr std::uint8_t kTimeWaitTimer = 3;

[[noreturn]] void malformed(const char* why) {
  throw DumpError(std::string("decoding a socket of a sock_diag dump: ") + why);
}

template <typename Request>
std::vector<std::byte> datagram(std::uint16_t type, std::uint32_t sequence,
                                const Request& request) {
  nlmsghdr header{};
  header.nlmsg_len = NLMSG_LENGTH(sizeof request);
  header.nlmsg_type = type;
  header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  header.nlmsg_seq = sequence;
  std::vector<std::byte> bytes(sizeof header + sizeof request);
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + sizeof header, &request, sizeof request);
  return bytes;
}

std::uint16_t port_of(__be16 network_order) {
  return std::endian::native == std::endian::little ? __builtin_bswap16(network_order)
                                                    : network_order;
}

IpAddress address_of(std::uint8_t family, const __be32 (&words)[4]) {
  if (family == AF_INET) return IpAddress::from_ipv4(words);
  if (family == AF_INET6) return IpAddress::from_ipv6(words);
  malformed("neither AF_INET nor AF_INET6");
}

inet_diag_msg message_of(std::span<const std::byte> payload) {
  inet_diag_msg message;
  if (payload.size() < sizeof message) malformed("shorter than struct inet_diag_msg");
  std::memcpy(&message, payload.data(), sizeof message);
  return message;
}

SocketKind kind_of(const inet_diag_msg& message, bool has_attributes) {
  if (message.idiag_timer == kTimeWaitTimer) return SocketKind::time_wait;
  // A real SYN_RECV socket (fast open, simultaneous open) has an owner or attributes.
  const bool owned = message.idiag_inode != 0 || has_attributes;
  const bool syn_recv = message.idiag_state == static_cast<std::uint8_t>(TcpState::syn_recv);
  return syn_recv && !owned ? SocketKind::request : SocketKind::full;
}

bool flag_of(std::span<const std::byte> value) {
  if (value.empty()) malformed("INET_DIAG_SKV6ONLY without a value");
  return value[0] != std::byte{0};
}

// INET_DIAG_SKMEMINFO: numbers of 32 bits each in host order; kernels before 4.7 lack the drops.
std::optional<std::uint32_t> drops_of(std::span<const std::byte> value) {
  constexpr std::size_t kOffset = SK_MEMINFO_DROPS * sizeof(std::uint32_t);
  std::uint32_t drops = 0;
  if (value.size() < kOffset + sizeof drops) return std::nullopt;
  std::memcpy(&drops, value.data() + kOffset, sizeof drops);
  return drops;
}

// INET_DIAG_INFO: `struct tcp_info` (linux/tcp.h), whose first fields have never moved.
std::optional<std::chrono::milliseconds> since_last_ack_of(std::span<const std::byte> value) {
  constexpr std::size_t kOffset = offsetof(tcp_info, tcpi_last_ack_recv);
  std::uint32_t milliseconds = 0;
  if (value.size() < kOffset + sizeof milliseconds) return std::nullopt;
  std::memcpy(&milliseconds, value.data() + kOffset, sizeof milliseconds);
  return std::chrono::milliseconds(milliseconds);
}

// The kernel's is unique while the host runs (sock_diag_save_cookie() in net/core/sock_diag.c).
std::uint64_t cookie_of(const inet_diag_sockid& id) {
  return (std::uint64_t{id.idiag_cookie[1]} << 32) | id.idiag_cookie[0];
}

// Calls visit(type, value) for each attribute (struct rtattr, linux/rtnetlink.h: length and type
// of 16 bits each in host order, then the value, padded to 4 bytes).
template <typename Visit>
void for_each_attribute(std::span<const std::byte> bytes, Visit visit) {
  while (!bytes.empty()) {
    rtattr attribute;
    if (bytes.size() < sizeof attribute) malformed("an attribute's header is cut off");
    std::memcpy(&attribute, bytes.data(), sizeof attribute);
    if (attribute.rta_len < sizeof attribute || attribute.rta_len > bytes.size()) {
      malformed("an attribute's length is impossible");
    }
    visit(attribute.rta_type,
          bytes.subspan(sizeof attribute, attribute.rta_len - sizeof attribute));
    bytes = bytes.subspan(std::min<std::size_t>(RTA_ALIGN(attribute.rta_len), bytes.size()));
  }
}

}  // namespace

std::vector<std::byte> encode(const DumpRequest& request, std::uint32_t sequence) {
  if (request.scope == DumpScope::both_families) {
    inet_diag_req legacy{};  // idiag_family stays AF_UNSPEC
    legacy.idiag_states = request.states;
    legacy.idiag_ext = request.extensions;
    return datagram(TCPDIAG_GETSOCK, sequence, legacy);
  }
  inet_diag_req_v2 by_family{};
  by_family.sdiag_family = request.scope == DumpScope::ipv4 ? AF_INET : AF_INET6;
  by_family.sdiag_protocol = IPPROTO_TCP;
  by_family.idiag_states = request.states;
  by_family.idiag_ext = request.extensions;
  return datagram(SOCK_DIAG_BY_FAMILY, sequence, by_family);
}

SocketRecord decode_socket(std::span<const std::byte> payload) {
  const inet_diag_msg message = message_of(payload);
  SocketRecord record;
  bool has_attributes = false;
  for_each_attribute(payload.subspan(sizeof message),
                     [&](std::uint16_t type, std::span<const std::byte> value) {
                       // The mark comes with mini sockets too.
                       has_attributes = has_attributes || type != INET_DIAG_MARK;
                       if (type == INET_DIAG_SKV6ONLY) record.ipv6_only = flag_of(value);
                       if (type == INET_DIAG_SKMEMINFO) record.drops = drops_of(value);
                       if (type == INET_DIAG_INFO) record.since_last_ack = since_last_ack_of(value);
                     });
  record.state_number = message.idiag_state;
  record.kind = kind_of(message, has_attributes);
  record.local_port = port_of(message.id.idiag_sport);
  record.remote_port = port_of(message.id.idiag_dport);
  record.local_address = address_of(message.idiag_family, message.id.idiag_src);
  record.remote_address = address_of(message.idiag_family, message.id.idiag_dst);
  record.receive_queue = message.idiag_rqueue;
  record.send_queue = message.idiag_wqueue;
  record.cookie = cookie_of(message.id);
  record.inode = message.idiag_inode;
  record.retransmits = message.idiag_retrans;
  record.timer_remaining = std::chrono::milliseconds(message.idiag_expires);
  return record;
}

}  // namespace sockdiag
