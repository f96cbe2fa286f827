// SPDX-License-Identifier: Apache-2.0
#include "syn_flood.hpp"

#include <arpa/inet.h>
#include <net/route.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>

#include "error.hpp"
#include "load_socket.hpp"
#include "proc.hpp"

namespace sockdiag::bench {
namespace {

constexpr std::uint32_t kSpoofedNetwork = 0x0a000000;  // 10.0.0.0/8
constexpr std::uint32_t kSpoofedMask = 0xff000000;
constexpr std::uint32_t kPrefixes = 65'536;
constexpr unsigned kSourcePort = 1024;
constexpr int kSynAckRetries = 100;  // doubling from one second to two minutes: for hours
constexpr std::chrono::seconds kDeadline{30};
constexpr std::chrono::milliseconds kPollPeriod{50};

// Of a listener whose queue is over half full the kernel gives old half-open connections up early.
constexpr std::size_t kBacklogPerConnection = 4;

struct Syn {
  iphdr ip;
  tcphdr tcp;
};
static_assert(sizeof(Syn) == 40, "as on the wire");

// What the TCP checksum covers besides the segment (RFC 9293, section 3.1).
struct ChecksummedSyn {
  std::uint32_t source;
  std::uint32_t destination;
  std::uint16_t protocol;
  std::uint16_t length;
  tcphdr tcp;
};
static_assert(sizeof(ChecksummedSyn) == 32, "as in the RFC");

// RFC 1071; byte order does not matter to it.
template <typename Bytes>
std::uint16_t internet_checksum(const Bytes& bytes) {
  std::uint16_t words[sizeof bytes / 2];
  std::memcpy(words, &bytes, sizeof bytes);
  std::uint32_t sum = 0;
  for (const std::uint16_t word : words) sum += word;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

// The n-th source: all networks in turn, then their next addresses.
std::uint32_t spoofed_address(std::size_t n) {
  const auto index = static_cast<std::uint32_t>(n);
  return kSpoofedNetwork | (index % kPrefixes) << 8 | (1 + index / kPrefixes);
}

// The kernel fills in what is missing of the IP header.
Syn make_syn(std::uint32_t source, const sockaddr_in& server) {
  Syn syn{};
  syn.ip.version = 4;
  syn.ip.ihl = 5;
  syn.ip.ttl = 64;
  syn.ip.protocol = IPPROTO_TCP;
  syn.ip.saddr = htonl(source);
  syn.ip.daddr = server.sin_addr.s_addr;
  syn.tcp.source = htons(kSourcePort);
  syn.tcp.dest = server.sin_port;
  syn.tcp.doff = 5;
  syn.tcp.syn = 1;
  syn.tcp.window = htons(0xffff);
  const ChecksummedSyn covered{syn.ip.saddr, syn.ip.daddr, htons(IPPROTO_TCP),
                               htons(sizeof(tcphdr)), syn.tcp};
  syn.tcp.check = internet_checksum(covered);
  return syn;
}

void copy_into(sockaddr& address, std::uint32_t ipv4) {
  const sockaddr_in value = kernel_address({ipv4, 0});
  std::memcpy(&address, &value, sizeof value);
}

void route_spoofed_network_to_loopback() {
  const FileDescriptor fd(checked(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
  char device[] = "lo";
  rtentry route{};
  copy_into(route.rt_dst, kSpoofedNetwork);
  copy_into(route.rt_genmask, kSpoofedMask);
  route.rt_flags = RTF_UP;
  route.rt_dev = device;
  checked(::ioctl(fd.get(), SIOCADDRT, &route), "route the spoofed network");
}

void await_half_open(std::size_t connections) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (half_open_sockets() != connections) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error(std::to_string(half_open_sockets()) + " instead of " +
                               std::to_string(connections) + " half-open connections");
    }
    std::this_thread::sleep_for(kPollPeriod);
  }
}

}  // namespace

SynFlood::SynFlood(const FileDescriptor& listener, unsigned port)
    : listener_(listener),
      port_(port),
      raw_socket_(
          checked(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW), "open a raw socket")) {
  route_spoofed_network_to_loopback();
  set_sysctl("net/ipv4/tcp_synack_retries", kSynAckRetries);
}

void SynFlood::make_room_for(std::size_t connections) const {
  const std::size_t backlog = connections * kBacklogPerConnection;
  set_sysctl("net/core/somaxconn", std::max<std::size_t>(backlog, SOMAXCONN));
  checked(::listen(listener_.get(), static_cast<int>(backlog)), "enlarge a backlog");
}

void SynFlood::make(std::size_t connections) {
  make_room_for(connections);
  const sockaddr_in server = kernel_address({INADDR_LOOPBACK, port_});
  for (std::size_t i = 0; i < connections; ++i) {
    const Syn syn = make_syn(spoofed_address(i), server);
    checked(::sendto(raw_socket_.get(), &syn, sizeof syn, 0, generic(server), sizeof server),
            "send a SYN");
  }
  await_half_open(connections);
}

}  // namespace sockdiag::bench
