// SPDX-License-Identifier: Apache-2.0

// The bytes of a dump's reply, to text: decoded, counted and rendered. The first byte says how the
// request was made and how the datagrams are cut, the second how many messages each has.

#include <linux/netlink.h>
#include <linux/sock_diag.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

#include "generated_input.hpp"
#include "netlink/dump_error.hpp"
#include "netlink/inet_diag.hpp"
#include "sockdiag/metrics/metric_families.hpp"
#include "sockdiag/netlink/tcp_dumper.hpp"
#include "sockdiag/tally/tcp_tally.hpp"
#include "support/replay_channel.hpp"

namespace sockdiag::test {
namespace {

struct How {
  bool by_family;      // the request
  bool ours;           // sequence number and portid are what the reader expects
  bool truncated;      // the last datagram
  bool foreign;        // the last datagram's sender
  std::size_t apiece;  // messages in a datagram
};

How take_how(GeneratedInput& input) {
  const auto flags = input.take<std::uint8_t>();
  return {(flags & 1U) != 0, (flags & 2U) == 0, (flags & 4U) != 0, (flags & 8U) != 0,
          std::size_t{1} + input.take<std::uint8_t>()};
}

// Returns the length of the message that the bytes begin with, as far as that can be believed.
std::size_t length_of(std::span<const std::byte> bytes) {
  nlmsghdr header;
  if (bytes.size() < sizeof header) return bytes.size();
  std::memcpy(&header, bytes.data(), sizeof header);
  return std::clamp(std::size_t{NLMSG_ALIGN(header.nlmsg_len)}, sizeof header, bytes.size());
}

void address_to_us(std::span<std::byte> message) {
  nlmsghdr header;
  if (message.size() < sizeof header) return;
  std::memcpy(&header, message.data(), sizeof header);
  header.nlmsg_seq = 1;
  header.nlmsg_pid = ReplayChannel::kPortid;
  std::memcpy(message.data(), &header, sizeof header);
}

std::vector<ReplayedDatagram> take_datagrams(GeneratedInput& input, const How& how) {
  const std::string text = input.take_rest();
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  Bytes bytes(first, first + text.size());
  std::vector<ReplayedDatagram> datagrams(1);
  std::size_t messages = 0;
  for (std::span<std::byte> left(bytes); !left.empty();) {
    const auto message = left.first(length_of(left));
    if (how.ours) address_to_us(message);
    if (messages++ % how.apiece == how.apiece - 1) datagrams.emplace_back();
    Bytes& datagram = datagrams.back().bytes;
    datagram.insert(datagram.end(), message.begin(), message.end());
    left = left.subspan(message.size());
  }
  datagrams.back().truncated = how.truncated;
  datagrams.back().sender_portid = how.foreign ? 1 : 0;
  return datagrams;
}

std::uint64_t sum_of(const TcpSnapshot& snapshot) {
  std::uint64_t sum = snapshot.unknown_state_sockets;
  for (const DirectionCounts& direction : snapshot.directions) {
    for (const std::uint32_t count : direction.other.sockets) sum += count;
    for (const PortCounts& port : direction.ports) {
      for (const std::uint32_t count : port.sockets) sum += count;
    }
  }
  return sum;
}

void replay(GeneratedInput input) {
  const How how = take_how(input);
  ReplayChannel channel(take_datagrams(input, how));
  const auto request = how.by_family ? DumpRequest{SOCK_DIAG_BY_FAMILY, AF_INET} : DumpRequest{};
  static const EphemeralPorts kEphemeral({32768, 60999}, std::vector<PortRange>{});
  const auto tally = std::make_unique<TcpTally>(std::make_shared<TallyScratch>(),
                                                TcpPolicy{.destinations = {5, true}});
  std::uint64_t records = 0;
  tally->begin(kEphemeral, {});
  try {
    dump(channel, request, [&](const SocketRecord& record) {
      ++records;
      tally->add(record);
    });
  } catch (const DumpError&) {
    return;
  } catch (const std::system_error&) {
    return;
  }
  const TcpSnapshot snapshot = tally->finish({});
  require(snapshot.sockets == records, "each record is a socket");
  require(sum_of(snapshot) == records, "each socket is counted once");
  require_exposition(render(snapshot));
}

}  // namespace
}  // namespace sockdiag::test

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  sockdiag::test::replay({bytes, size});
  return 0;
}
