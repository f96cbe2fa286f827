// SPDX-License-Identifier: Apache-2.0
#pragma once

// Builds the bytes of a sock_diag dump, right or wrong, message by message.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "support/replay_channel.hpp"

namespace sockdiag::test {

// One socket as the kernel would tell it. Addresses are written as ss does: "127.0.0.1:80",
// "[::1]:80"; both of one family.
struct SocketSpec {
  std::uint8_t state = 1;
  std::string local = "127.0.0.1:80";
  std::string remote = "127.0.0.1:40000";
  std::uint32_t receive_queue = 0;
  std::uint32_t send_queue = 0;
  std::uint8_t timer = 0;
  std::uint32_t inode = 1;
  bool attributes = true;                 // as every full socket has them
  std::optional<std::uint8_t> ipv6_only;  // as listeners on IPv6 have it
  std::optional<std::uint32_t> mark;      // as readers with CAP_NET_ADMIN get it
  std::optional<std::uint64_t> cgroup;    // as full sockets have it since Linux 5.8
  std::optional<std::uint32_t> drops;     // in SKMEMINFO
  std::uint64_t cookie = 0;
  std::uint8_t retransmits = 0;
  std::uint32_t expires_ms = 0;
  std::optional<std::uint32_t> last_ack_ms;  // in tcp_info
};

class DumpBuilder {
 public:
  DumpBuilder& socket(const SocketSpec& spec);
  DumpBuilder& message(std::uint16_t type, Bytes payload, std::uint16_t flags = 0);
  // `error`: an errno value, 0 for success; sent negative, as the kernel does.
  DumpBuilder& done(int error = 0);
  DumpBuilder& error(int error);
  // What follows goes into another datagram.
  DumpBuilder& split();

  // What the next messages carry.
  DumpBuilder& sequence(std::uint32_t number);
  DumpBuilder& portid(std::uint32_t number);
  DumpBuilder& answer_type(std::uint16_t type);

  [[nodiscard]] std::vector<ReplayedDatagram> datagrams() const { return as_datagrams(datagrams_); }
  [[nodiscard]] const Bytes& last_datagram() const { return datagrams_.back(); }

 private:
  std::vector<Bytes> datagrams_ = {{}};
  std::uint32_t sequence_ = 1;
  std::uint32_t portid_ = ReplayChannel::kPortid;
  std::uint16_t answer_type_ = 18;  // TCPDIAG_GETSOCK
};

// The payload of one socket's message.
[[nodiscard]] Bytes encode(const SocketSpec& spec);

}  // namespace sockdiag::test
