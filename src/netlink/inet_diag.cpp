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

// One field of the message, where it lies: its parts would have to wait for a copy of the whole.
template <typename Value>
Value value_at(std::span<const std::byte> payload, std::size_t offset) {
  Value value;
  std::memcpy(&value, payload.data() + offset, sizeof value);
  return value;
}

IpAddress address_at(std::span<const std::byte> payload, std::size_t offset) {
  const std::byte* words = payload.data() + offset;
  const auto family = value_at<std::uint8_t>(payload, offsetof(inet_diag_msg, idiag_family));
  if (family == AF_INET) return IpAddress::from_ipv4(words);
  if (family == AF_INET6) return IpAddress::from_ipv6(words);
  malformed("neither AF_INET nor AF_INET6");
}

std::uint16_t port_at(std::span<const std::byte> payload, std::size_t offset) {
  return port_of(value_at<__be16>(payload, offset));
}

SocketKind kind_of(const SocketRecord& record, std::uint8_t timer, bool has_attributes) {
  if (timer == kTimeWaitTimer) return SocketKind::time_wait;
  // A real SYN_RECV socket (fast open, simultaneous open) has an owner or attributes.
  const bool owned = record.inode != 0 || has_attributes;
  const bool syn_recv = record.state_number == static_cast<std::uint8_t>(TcpState::syn_recv);
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

// The kernel's is unique while the host runs (sock_diag_save_cookie() in net/core/sock_diag.c): the
// lower half comes first, whatever the byte order.
std::uint64_t cookie_of(std::span<const std::byte> payload) {
  constexpr std::size_t kLow = offsetof(inet_diag_msg, id.idiag_cookie);
  const std::uint64_t high = value_at<std::uint32_t>(payload, kLow + sizeof(std::uint32_t));
  return high << 32 | value_at<std::uint32_t>(payload, kLow);
}

// What an attribute says goes into `record`. Returns whether only full sockets have it: the mark
// comes with mini sockets, too.
bool read_attribute(std::uint16_t type, std::span<const std::byte> value, SocketRecord& record) {
  switch (type) {
    case INET_DIAG_MARK:
      return false;
    case INET_DIAG_SKV6ONLY:
      record.ipv6_only = flag_of(value);
      return true;
    case INET_DIAG_SKMEMINFO:
      record.drops = drops_of(value);
      return true;
    case INET_DIAG_INFO:
      record.since_last_ack = since_last_ack_of(value);
      return true;
    default:
      return true;
  }
}

// Attributes (struct rtattr, linux/rtnetlink.h): length and type of 16 bits each in host order,
// then the value, padded to 4 bytes. Returns whether a full socket's are among them.
bool read_attributes(std::span<const std::byte> bytes, SocketRecord& record) {
  bool full = false;
  while (!bytes.empty()) {
    if (bytes.size() < sizeof(rtattr)) malformed("an attribute's header is cut off");
    const auto attribute = value_at<rtattr>(bytes, 0);
    if (attribute.rta_len < sizeof attribute || attribute.rta_len > bytes.size()) {
      malformed("an attribute's length is impossible");
    }
    const auto value = bytes.subspan(sizeof attribute, attribute.rta_len - sizeof attribute);
    full |= read_attribute(attribute.rta_type, value, record);
    bytes = bytes.subspan(std::min<std::size_t>(RTA_ALIGN(attribute.rta_len), bytes.size()));
  }
  return full;
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
  using Message = inet_diag_msg;
  if (payload.size() < sizeof(Message)) malformed("shorter than struct inet_diag_msg");
  SocketRecord record;
  record.state_number = value_at<std::uint8_t>(payload, offsetof(Message, idiag_state));
  record.local_port = port_at(payload, offsetof(Message, id.idiag_sport));
  record.remote_port = port_at(payload, offsetof(Message, id.idiag_dport));
  record.local_address = address_at(payload, offsetof(Message, id.idiag_src));
  record.remote_address = address_at(payload, offsetof(Message, id.idiag_dst));
  record.receive_queue = value_at<std::uint32_t>(payload, offsetof(Message, idiag_rqueue));
  record.send_queue = value_at<std::uint32_t>(payload, offsetof(Message, idiag_wqueue));
  record.cookie = cookie_of(payload);
  record.inode = value_at<std::uint32_t>(payload, offsetof(Message, idiag_inode));
  record.retransmits = value_at<std::uint8_t>(payload, offsetof(Message, idiag_retrans));
  record.timer_remaining =
      std::chrono::milliseconds(value_at<std::uint32_t>(payload, offsetof(Message, idiag_expires)));
  const bool has_attributes = read_attributes(payload.subspan(sizeof(Message)), record);
  const auto timer = value_at<std::uint8_t>(payload, offsetof(Message, idiag_timer));
  record.kind = kind_of(record, timer, has_attributes);
  return record;
}

}  // namespace sockdiag
