// SPDX-License-Identifier: Apache-2.0
#include "support/dump_builder.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/tcp.h>
#include <netinet/in.h>

#include <array>
#include <cstring>
#include <stdexcept>

namespace sockdiag::test {
namespace {

template <typename Value>
void append(Bytes& bytes, const Value& value) {
  const std::size_t at = bytes.size();
  bytes.resize(at + sizeof value);
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

void pad(Bytes& bytes) { bytes.resize((bytes.size() + 3) & ~std::size_t{3}); }

template <typename Value>
void append_attribute(Bytes& bytes, std::uint16_t type, const Value& value) {
  append(bytes, rtattr{static_cast<unsigned short>(sizeof(rtattr) + sizeof value), type});
  append(bytes, value);
  pad(bytes);
}

std::uint16_t network_port(const std::string& text) {
  return htons(static_cast<std::uint16_t>(std::stoul(text.substr(text.rfind(':') + 1))));
}

bool is_ipv6(const std::string& text) { return text.front() == '['; }

void write_address(const std::string& text, __be32 (&words)[4]) {
  std::string host = text.substr(0, text.rfind(':'));
  if (is_ipv6(text)) host = host.substr(1, host.size() - 2);
  if (::inet_pton(is_ipv6(text) ? AF_INET6 : AF_INET, host.c_str(), words) != 1) {
    throw std::invalid_argument("no address: " + text);
  }
}

Bytes error_payload(int error) {
  Bytes payload;
  append(payload, static_cast<std::int32_t>(0U - static_cast<std::uint32_t>(error)));
  return payload;
}

}  // namespace

Bytes encode(const SocketSpec& spec) {
  inet_diag_msg message{};
  message.idiag_family = is_ipv6(spec.local) ? AF_INET6 : AF_INET;
  message.idiag_state = spec.state;
  message.idiag_timer = spec.timer;
  message.id.idiag_sport = network_port(spec.local);
  message.id.idiag_dport = network_port(spec.remote);
  write_address(spec.local, message.id.idiag_src);
  write_address(spec.remote, message.id.idiag_dst);
  message.idiag_rqueue = spec.receive_queue;
  message.idiag_wqueue = spec.send_queue;
  message.idiag_inode = spec.inode;
  message.idiag_retrans = spec.retransmits;
  message.idiag_expires = spec.expires_ms;
  message.id.idiag_cookie[0] = static_cast<std::uint32_t>(spec.cookie);
  message.id.idiag_cookie[1] = static_cast<std::uint32_t>(spec.cookie >> 32);
  Bytes payload;
  append(payload, message);
  if (spec.attributes) append_attribute(payload, INET_DIAG_SHUTDOWN, std::uint8_t{0});
  if (spec.ipv6_only) append_attribute(payload, INET_DIAG_SKV6ONLY, *spec.ipv6_only);
  if (spec.mark) append_attribute(payload, INET_DIAG_MARK, *spec.mark);
  if (spec.cgroup) append_attribute(payload, INET_DIAG_CGROUP_ID, *spec.cgroup);
  if (spec.drops) {
    std::array<std::uint32_t, 9> memory{};
    memory[8] = *spec.drops;
    append_attribute(payload, INET_DIAG_SKMEMINFO, memory);
  }
  if (spec.last_ack_ms) {
    tcp_info info{};
    info.tcpi_last_data_recv = info.tcpi_last_data_sent = 1;
    info.tcpi_last_ack_recv = *spec.last_ack_ms;
    append_attribute(payload, INET_DIAG_INFO, info);
  }
  return payload;
}

DumpBuilder& DumpBuilder::socket(const SocketSpec& spec) {
  return message(answer_type_, encode(spec));
}

DumpBuilder& DumpBuilder::message(std::uint16_t type, Bytes payload, std::uint16_t flags) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(sizeof header + payload.size());
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<std::uint16_t>(flags | NLM_F_MULTI);
  header.nlmsg_seq = sequence_;
  header.nlmsg_pid = portid_;
  Bytes& datagram = datagrams_.back();
  append(datagram, header);
  datagram.insert(datagram.end(), payload.begin(), payload.end());
  pad(datagram);
  return *this;
}

DumpBuilder& DumpBuilder::done(int error) { return message(NLMSG_DONE, error_payload(error)); }

DumpBuilder& DumpBuilder::error(int error) { return message(NLMSG_ERROR, error_payload(error)); }

DumpBuilder& DumpBuilder::split() {
  datagrams_.emplace_back();
  return *this;
}

DumpBuilder& DumpBuilder::sequence(std::uint32_t number) {
  sequence_ = number;
  return *this;
}

DumpBuilder& DumpBuilder::portid(std::uint32_t number) {
  portid_ = number;
  return *this;
}

DumpBuilder& DumpBuilder::answer_type(std::uint16_t type) {
  answer_type_ = type;
  return *this;
}

}  // namespace sockdiag::test
