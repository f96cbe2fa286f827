// SPDX-License-Identifier: Apache-2.0
#include "netlink/inet_diag.hpp"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>

#include <cstring>

#include "netlink/dump_error.hpp"
#include "support/catch.hpp"
#include "support/dump_builder.hpp"

namespace sockdiag::test {
namespace {

template <typename Value>
Value value_at(const std::vector<std::byte>& bytes, std::size_t offset) {
  REQUIRE(bytes.size() >= offset + sizeof(Value));
  Value value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

SocketRecord decoded(const SocketSpec& spec) {
  const Bytes payload = encode(spec);
  return decode_socket(payload);
}

IpAddress ipv4(std::uint32_t host_order) {
  const std::uint32_t bytes = htonl(host_order);
  return IpAddress::from_ipv4(&bytes);
}

}  // namespace

TEST_CASE("A request for both families is TCPDIAG_GETSOCK without a family") {
  const auto bytes = encode(DumpRequest{}, 7);
  const auto header = value_at<nlmsghdr>(bytes, 0);
  CHECK(header.nlmsg_len == bytes.size());
  CHECK(header.nlmsg_type == TCPDIAG_GETSOCK);
  CHECK(header.nlmsg_flags == (NLM_F_REQUEST | NLM_F_DUMP));
  CHECK(header.nlmsg_seq == 7);
  const auto request = value_at<inet_diag_req>(bytes, sizeof header);
  CHECK(request.idiag_family == AF_UNSPEC);
  CHECK(request.idiag_states == 0xfff);
  CHECK(request.idiag_ext == 0);
}

TEST_CASE("A request for one family is SOCK_DIAG_BY_FAMILY") {
  const auto bytes = encode(DumpRequest{.message_type = SOCK_DIAG_BY_FAMILY,
                                        .family = AF_INET6,
                                        .states = kListenState,
                                        .extensions = kSocketMemory},
                            1);
  CHECK(value_at<nlmsghdr>(bytes, 0).nlmsg_type == SOCK_DIAG_BY_FAMILY);
  const auto request = value_at<inet_diag_req_v2>(bytes, sizeof(nlmsghdr));
  CHECK(request.sdiag_family == AF_INET6);
  CHECK(request.sdiag_protocol == IPPROTO_TCP);
  CHECK(request.idiag_states == 1U << 10);
  CHECK(request.idiag_ext == 1U << (INET_DIAG_SKMEMINFO - 1));
}

TEST_CASE("Another protocol is another value in the request") {
  const auto bytes = encode(
      DumpRequest{.message_type = SOCK_DIAG_BY_FAMILY, .family = AF_INET, .protocol = IPPROTO_UDP},
      1);
  CHECK(value_at<inet_diag_req_v2>(bytes, sizeof(nlmsghdr)).sdiag_protocol == IPPROTO_UDP);
}

TEST_CASE("No request asks for bound sockets") { CHECK((kAllStates & (1U << 13)) == 0); }

TEST_CASE("A socket is decoded field by field") {
  const auto record = decoded({.state = 8,
                               .local = "10.1.2.3:443",
                               .remote = "192.0.2.9:51000",
                               .receive_queue = 5,
                               .send_queue = 6});
  CHECK(record.state_number == 8);
  CHECK(record.kind == SocketKind::full);
  CHECK(record.local_port == 443);
  CHECK(record.remote_port == 51000);
  CHECK(record.local_address == ipv4(0x0a010203));
  CHECK(record.remote_address == ipv4(0xc0000209));
  CHECK(record.receive_queue == 5);
  CHECK(record.send_queue == 6);
}

TEST_CASE("IPv4-mapped and IPv4 addresses compare equal") {
  const auto mapped =
      decoded({.local = "[::ffff:10.1.2.3]:443", .remote = "[::ffff:192.0.2.9]:51000"});
  CHECK(mapped.local_address == ipv4(0x0a010203));
  CHECK(mapped.local_address.is_ipv4());
  const auto ipv6 = decoded({.local = "[2001:db8::1]:443", .remote = "[2001:db8::2]:51000"});
  CHECK_FALSE(ipv6.local_address.is_ipv4());
}

TEST_CASE("The kinds of sockets are told apart") {
  struct Row {
    const char* name;
    SocketSpec spec;
    SocketKind kind;
  };
  const auto row = GENERATE(values<Row>({
      {"TIME_WAIT",
       {.state = 6, .timer = 3, .inode = 0, .attributes = false},
       SocketKind::time_wait},
      {"FIN_WAIT2 after close()",
       {.state = 5, .timer = 3, .inode = 0, .attributes = false},
       SocketKind::time_wait},
      {"FIN_WAIT2 after shutdown()", {.state = 5}, SocketKind::full},
      {"a half-open connection",
       {.state = 3, .timer = 1, .inode = 0, .attributes = false},
       SocketKind::request},
      {"a fast-open SYN_RECV", {.state = 3, .timer = 1, .inode = 0}, SocketKind::full},
      {"an ESTABLISHED in the accept queue", {.state = 1, .inode = 0}, SocketKind::full},
  }));
  INFO(row.name);
  CHECK(decoded(row.spec).kind == row.kind);
}

TEST_CASE("A listener's IPV6_V6ONLY is read") {
  const SocketSpec listener{.state = 10, .local = "[::]:80", .remote = "[::]:0"};
  auto dual_stack = listener;
  dual_stack.ipv6_only = std::uint8_t{0};
  auto ipv6_only = listener;
  ipv6_only.ipv6_only = std::uint8_t{1};
  CHECK_FALSE(decoded(listener).ipv6_only);
  CHECK_FALSE(decoded(dual_stack).ipv6_only);
  CHECK(decoded(ipv6_only).ipv6_only);
}

TEST_CASE("What tells causes and ages is decoded") {
  const SocketRecord record = decode_socket(encode(SocketSpec{
      .inode = 4711, .cookie = 0x123456789abcdef0, .retransmits = 3, .expires_ms = 59'500}));
  CHECK(record.cookie == 0x123456789abcdef0);
  CHECK(record.inode == 4711);
  CHECK(record.retransmits == 3);
  CHECK(record.timer_remaining == std::chrono::milliseconds(59'500));
}

TEST_CASE("The time since the last acknowledgement is there only where it was asked for") {
  CHECK(decode_socket(encode(SocketSpec{.state = 8})).since_last_ack == std::nullopt);
  CHECK(decode_socket(encode(SocketSpec{.state = 8, .last_ack_ms = 90'000})).since_last_ack ==
        std::chrono::milliseconds(90'000));
}

TEST_CASE("A listener's drops are there only where they were asked for") {
  const Bytes without = encode(SocketSpec{.state = 10});
  const Bytes with = encode(SocketSpec{.state = 10, .drops = 18});
  CHECK(decode_socket(without).drops == std::nullopt);
  CHECK(decode_socket(with).drops == 18U);
  CHECK(decode_socket(with).state_number == 10);
}

TEST_CASE(
    "Every prefix of a socket's bytes is refused or is a socket without the attributes lost") {
  const Bytes whole = encode(SocketSpec{.state = 10, .ipv6_only = std::uint8_t{1}, .drops = 1});
  std::size_t refused = 0;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    const Bytes prefix(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    std::optional<SocketRecord> record;
    try {
      record = decode_socket(prefix);
    } catch (const DumpError&) {
      ++refused;
    }
    if (record) CHECK(record->state_number == 10);
    if (record) CHECK(length >= sizeof(inet_diag_msg));
  }
  CHECK(refused >= sizeof(inet_diag_msg));
}

TEST_CASE("A full socket's cgroup is read in each state, and wherever the kernel puts it") {
  struct Row {
    const char* it;
    SocketSpec spec;
    std::uint64_t cgroup;
  };
  constexpr std::uint64_t kId = 0x123456789abcdef0;
  const auto row = GENERATE_COPY(values<Row>({
      {"is at its usual place", {.cgroup = kId}, kId},
      {"is at its usual place of a CLOSE_WAIT", {.state = 8, .cgroup = kId}, kId},
      {"is behind the mark", {.mark = 9, .cgroup = kId}, kId},
      {"is behind what only listeners have",
       {.state = 10, .ipv6_only = std::uint8_t{1}, .cgroup = kId},
       kId},
      {"is first", {.attributes = false, .cgroup = kId}, kId},
      {"is not there", {}, 0},
      {"is not there, but the mark of a mini socket",
       {.state = 6, .timer = 3, .inode = 0, .attributes = false, .mark = 9},
       0},
  }));
  INFO("the cgroup " << row.it);
  CHECK(decoded(row.spec).cgroup == row.cgroup);
}

TEST_CASE("A cgroup's id that is not 8 bytes long is ignored") {
  const SocketSpec spec{.state = GENERATE(std::uint8_t{1}, std::uint8_t{8}), .cgroup = ~0ULL};
  for (const std::uint16_t length : std::vector<std::uint16_t>{0, 4, 7}) {
    CAPTURE(length);
    Bytes payload = encode(spec);
    const auto header = static_cast<std::uint16_t>(sizeof(rtattr) + length);
    std::memcpy(payload.data() + sizeof(inet_diag_msg) + 8, &header, sizeof header);
    payload.resize(sizeof(inet_diag_msg) + 8 + header);
    CHECK(decode_socket(payload).cgroup == 0);
  }
}

TEST_CASE("A cgroup's id that is cut off is refused") {
  const SocketSpec spec{.state = GENERATE(std::uint8_t{1}, std::uint8_t{8}), .cgroup = 7};
  const Bytes whole = encode(spec);
  for (std::size_t length = whole.size() - 11; length < whole.size(); ++length) {
    CAPTURE(length);
    CHECK_THROWS_AS(decode_socket(std::span(whole).first(length)), DumpError);
  }
}

TEST_CASE("An attribute's impossible length is refused") {
  const SocketSpec spec{.state = GENERATE(std::uint8_t{1}, std::uint8_t{10})};
  for (const std::uint16_t length : std::vector<std::uint16_t>{0, 1, 3, 9, 65535}) {
    CAPTURE(length);
    Bytes payload = encode(spec);
    std::memcpy(payload.data() + sizeof(inet_diag_msg), &length, sizeof length);
    CHECK_THROWS_AS(decode_socket(payload), DumpError);
  }
}

TEST_CASE("A socket of another family is refused") {
  Bytes payload = encode(SocketSpec{});
  payload[0] = std::byte{AF_UNIX};
  CHECK_THROWS_AS(decode_socket(payload), DumpError);
}

}  // namespace sockdiag::test
