// SPDX-License-Identifier: Apache-2.0
#include "recorded_sample.hpp"

#include <linux/inet_diag.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <stdexcept>

#include "netlink/inet_diag.hpp"
#include "sockdiag/core/tcp_state.hpp"
#include "support/replay_channel.hpp"

namespace sockdiag::bench {
namespace {

// The kernel's datagrams of a dump are as large.
constexpr std::size_t kMostBytes = 32'448;

class LoopingChannel final : public Channel {
 public:
  explicit LoopingChannel(const std::vector<std::vector<std::byte>>& datagrams)
      : datagrams_(datagrams) {}

  void send(std::span<const std::byte> /*bytes*/) override {}
  Datagram receive() override { return {datagrams_.at(next_++), 0, false}; }
  std::uint32_t portid() const noexcept override { return test::ReplayChannel::kPortid; }

 private:
  const std::vector<std::vector<std::byte>>& datagrams_;
  std::size_t next_ = 0;
};

nlmsghdr header_at(std::span<const std::byte> bytes) {
  nlmsghdr header;
  std::memcpy(&header, bytes.data(), sizeof header);
  return header;
}

// Calls visit(type, message) for each message of a datagram.
template <typename Visit>
void for_each_message(std::span<const std::byte> bytes, const Visit& visit) {
  while (!bytes.empty()) {
    const nlmsghdr header = header_at(bytes);
    visit(header.nlmsg_type, bytes.first(header.nlmsg_len));
    bytes = bytes.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), bytes.size()));
  }
}

void set_cgroup(std::vector<std::byte>& message, std::uint64_t cgroup) {
  std::size_t at = NLMSG_HDRLEN + NLA_ALIGN(sizeof(inet_diag_msg));
  while (at < message.size()) {
    nlattr attribute;
    std::memcpy(&attribute, message.data() + at, sizeof attribute);
    if (attribute.nla_type == INET_DIAG_CGROUP_ID)
      std::memcpy(message.data() + at + NLA_HDRLEN, &cgroup, sizeof cgroup);
    at += NLA_ALIGN(attribute.nla_len);
  }
}

}  // namespace

RecordedSample::RecordedSample(const std::string& name, std::size_t copies, const Keep& keep,
                               std::uint64_t cgroups)
    : cgroups_(cgroups) {
  std::vector<Bytes> repeated;
  Bytes done;
  const auto sort_in = [&](std::uint16_t type, std::span<const std::byte> message) {
    const Bytes bytes(message.begin(), message.end());
    if (type == NLMSG_DONE) {
      done = bytes;
      return;
    }
    const SocketRecord record = decode_socket(message.subspan(NLMSG_HDRLEN));
    if (record.state_number == static_cast<std::uint8_t>(TcpState::listen)) {
      append(bytes);
      ++sockets_;
    } else if (keep(record)) {
      repeated.push_back(bytes);
    }
  };
  for (const auto& datagram : test::load_recorded_dump(SOCKDIAG_TEST_DATA "/" + name + ".tcpdiag"))
    for_each_message(datagram.bytes, sort_in);
  if (repeated.empty()) throw std::invalid_argument("no such sockets in the recorded dump");
  for (std::size_t copy = 0; copy < copies; ++copy)
    for (const Bytes& message : repeated) append_copy(message, copy);
  append(done);
}

void RecordedSample::append(const Bytes& message) {
  if (datagrams_.back().size() + message.size() > kMostBytes) datagrams_.emplace_back();
  Bytes& datagram = datagrams_.back();
  datagram.insert(datagram.end(), message.begin(), message.end());
  datagram.resize(NLMSG_ALIGN(datagram.size()));
}

void RecordedSample::append_copy(Bytes message, std::uint64_t copy) {
  inet_diag_msg socket;
  std::memcpy(&socket, message.data() + NLMSG_HDRLEN, sizeof socket);
  socket.id.idiag_cookie[1] += static_cast<std::uint32_t>(copy);
  std::memcpy(message.data() + NLMSG_HDRLEN, &socket, sizeof socket);
  if (cgroups_ != 0) set_cgroup(message, 1000 + sockets_ % cgroups_);
  append(message);
  ++sockets_;
}

ChannelFactory RecordedSample::channel_factory() const {
  return [this] { return std::make_unique<LoopingChannel>(datagrams_); };
}

std::vector<std::span<const std::byte>> RecordedSample::payloads() const {
  std::vector<std::span<const std::byte>> payloads;
  for (const Bytes& datagram : datagrams_) {
    for_each_message(datagram, [&](std::uint16_t type, std::span<const std::byte> message) {
      if (type != NLMSG_DONE) payloads.push_back(message.subspan(NLMSG_HDRLEN));
    });
  }
  return payloads;
}

std::vector<SocketRecord> RecordedSample::records() const {
  std::vector<SocketRecord> records;
  for (const auto payload : payloads()) records.push_back(decode_socket(payload));
  return records;
}

}  // namespace sockdiag::bench
