// SPDX-License-Identifier: Apache-2.0
#include "inet_diag.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "dump_error.hpp"
#include "sockdiag/core/tcp_state.hpp"

namespace sockdiag {
namespace {

// idiag_timer of a TIME_WAIT mini socket (inet_twsk_diag_fill() in net/ipv4/inet_diag.c).
constexpr std::uint8_t kTimeWaitTimer = 3;

[[noreturn]] void throw_malformed(const char* why) {
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

// Reads one field in place. A copy of the whole message would delay every field.
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
  throw_malformed("neither AF_INET nor AF_INET6");
}

std::uint16_t port_at(std::span<const std::byte> payload, std::size_t offset) {
  return port_of(value_at<__be16>(payload, offset));
}

bool flag_of(std::span<const std::byte> value) {
  if (value.empty()) throw_malformed("INET_DIAG_SKV6ONLY without a value");
  return value[0] != std::byte{0};
}

// Returns nothing if the kernel's structure ends before that offset.
std::optional<std::uint32_t> number_in(std::span<const std::byte> value, std::size_t offset) {
  if (value.size() < offset + sizeof(std::uint32_t)) return std::nullopt;
  return value_at<std::uint32_t>(value, offset);
}

// INET_DIAG_SKMEMINFO: 32-bit numbers in host order. Kernels before 4.7 lack the drops.
std::optional<std::uint32_t> drops_of(std::span<const std::byte> value) {
  return number_in(value, SK_MEMINFO_DROPS * sizeof(std::uint32_t));
}

// INET_DIAG_INFO: `struct tcp_info` (linux/tcp.h). Its first fields have never moved.
std::optional<std::chrono::milliseconds> since_last_ack_of(std::span<const std::byte> value) {
  const auto number = number_in(value, offsetof(tcp_info, tcpi_last_ack_recv));
  return number ? std::optional(std::chrono::milliseconds(*number)) : std::nullopt;
}

// A cookie is unique while the host runs (sock_diag_save_cookie() in net/core/sock_diag.c). Its
// lower half comes first, whatever the byte order.
std::uint64_t cookie_of(std::span<const std::byte> payload) {
  constexpr std::size_t kLow = offsetof(inet_diag_msg, id.idiag_cookie);
  const std::uint64_t high = value_at<std::uint32_t>(payload, kLow + sizeof(std::uint32_t));
  return high << 32 | value_at<std::uint32_t>(payload, kLow);
}

// INET_DIAG_CGROUP_ID: a 64-bit number in host order. Returns 0 if it has another length.
std::uint64_t cgroup_of(std::span<const std::byte> value) {
  return value.size() == sizeof(std::uint64_t) ? value_at<std::uint64_t>(value, 0) : 0;
}

void read_attribute(SocketRecord& record, std::uint16_t type, std::span<const std::byte> value) {
  if (type == INET_DIAG_MARK) return;  // mini sockets have it, too
  // A real SYN_RECV socket (fast open, simultaneous open) has attributes that mini sockets lack.
  if (record.kind == SocketKind::request) record.kind = SocketKind::full;
  if (type == INET_DIAG_SKV6ONLY) record.ipv6_only = flag_of(value);
  if (type == INET_DIAG_CGROUP_ID) record.cgroup = cgroup_of(value);
  if (type == INET_DIAG_SKMEMINFO) record.drops = drops_of(value);
  if (type == INET_DIAG_INFO) record.since_last_ack = since_last_ack_of(value);
}

// An attribute (struct rtattr, linux/rtnetlink.h) is a length and a type, 16 bits each in host
// order, and a value, padded to 4 bytes.
[[gnu::noinline]] void read_attributes(SocketRecord& record, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (bytes.size() < sizeof(rtattr)) throw_malformed("an attribute's header is cut off");
    const auto header = value_at<rtattr>(bytes, 0);
    if (header.rta_len < sizeof header || header.rta_len > bytes.size()) {
      throw_malformed("an attribute's length is impossible");
    }
    read_attribute(record, header.rta_type,
                   bytes.subspan(sizeof header, header.rta_len - sizeof header));
    bytes = bytes.subspan(std::min<std::size_t>(RTA_ALIGN(header.rta_len), bytes.size()));
  }
}

// The header of an attribute whose value has `size` bytes, as a number.
constexpr std::uint32_t header_number(std::uint16_t type, std::uint16_t size) {
  return std::bit_cast<std::uint32_t>(
      rtattr{static_cast<unsigned short>(sizeof(rtattr) + size), type});
}

// Returns the cgroup if it is where the kernel puts it for most sockets and unprivileged readers:
// behind one byte of INET_DIAG_SHUTDOWN. Returns 0 if it is not there.
std::uint64_t usual_cgroup(std::span<const std::byte> attributes) {
  constexpr std::size_t kHeader = RTA_SPACE(sizeof(std::uint8_t));
  constexpr std::size_t kValue = kHeader + sizeof(rtattr);
  const bool is_there =
      attributes.size() >= kValue + sizeof(std::uint64_t) &&
      value_at<std::uint32_t>(attributes, 0) == header_number(INET_DIAG_SHUTDOWN, 1) &&
      value_at<std::uint32_t>(attributes, kHeader) == header_number(INET_DIAG_CGROUP_ID, 8);
  return is_there ? value_at<std::uint64_t>(attributes, kValue) : 0;
}

// Wanted are a listener's IPV6_V6ONLY and drops, the kind of a SYN_RECV and the last
// acknowledgement of a CLOSE_WAIT. Of most sockets, which are in other states, the cgroup is
// enough.
bool are_all_wanted(std::uint8_t state_number) {
  const auto is = [&](TcpState state) { return state_number == static_cast<std::uint8_t>(state); };
  return is(TcpState::listen) || is(TcpState::syn_recv) || is(TcpState::close_wait);
}

SocketKind kind_of(std::span<const std::byte> payload) {
  using Message = inet_diag_msg;
  const auto timer = value_at<std::uint8_t>(payload, offsetof(Message, idiag_timer));
  if (timer == kTimeWaitTimer) return SocketKind::time_wait;
  const auto state = value_at<std::uint8_t>(payload, offsetof(Message, idiag_state));
  if (state != static_cast<std::uint8_t>(TcpState::syn_recv)) return SocketKind::full;
  const auto inode = value_at<std::uint32_t>(payload, offsetof(Message, idiag_inode));
  return inode != 0 ? SocketKind::full : SocketKind::request;
}

// Decodes all but the attributes.
SocketRecord message_of(std::span<const std::byte> payload, std::uint64_t cgroup) {
  using Message = inet_diag_msg;
  return {
      .state_number = value_at<std::uint8_t>(payload, offsetof(Message, idiag_state)),
      .kind = kind_of(payload),
      .local_port = port_at(payload, offsetof(Message, id.idiag_sport)),
      .remote_port = port_at(payload, offsetof(Message, id.idiag_dport)),
      .local_address = address_at(payload, offsetof(Message, id.idiag_src)),
      .remote_address = address_at(payload, offsetof(Message, id.idiag_dst)),
      .receive_queue = value_at<std::uint32_t>(payload, offsetof(Message, idiag_rqueue)),
      .send_queue = value_at<std::uint32_t>(payload, offsetof(Message, idiag_wqueue)),
      .cookie = cookie_of(payload),
      .inode = value_at<std::uint32_t>(payload, offsetof(Message, idiag_inode)),
      .cgroup = cgroup,
      .retransmits = value_at<std::uint8_t>(payload, offsetof(Message, idiag_retrans)),
      .timer_remaining = std::chrono::milliseconds(
          value_at<std::uint32_t>(payload, offsetof(Message, idiag_expires))),
  };
}

}  // namespace

std::vector<std::byte> encode(const DumpRequest& request, std::uint32_t sequence) {
  if (request.message_type != SOCK_DIAG_BY_FAMILY) {
    inet_diag_req legacy{};
    legacy.idiag_family = request.family;
    legacy.idiag_states = request.states;
    legacy.idiag_ext = request.extensions;
    return datagram(request.message_type, sequence, legacy);
  }
  inet_diag_req_v2 by_family{};
  by_family.sdiag_family = request.family;
  by_family.sdiag_protocol = request.protocol;
  by_family.idiag_states = request.states;
  by_family.idiag_ext = request.extensions;
  return datagram(request.message_type, sequence, by_family);
}

SocketRecord decode_socket(std::span<const std::byte> payload) {
  if (payload.size() < sizeof(inet_diag_msg)) throw_malformed("shorter than struct inet_diag_msg");
  const auto attributes = payload.subspan(sizeof(inet_diag_msg));
  SocketRecord record = message_of(payload, usual_cgroup(attributes));
  if (record.cgroup == 0 || are_all_wanted(record.state_number)) {
    read_attributes(record, attributes);
  }
  return record;
}

}  // namespace sockdiag
