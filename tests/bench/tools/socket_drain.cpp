// SPDX-License-Identifier: Apache-2.0
// One raw dump of the current network namespace's TCP sockets, and what it cost, as one line of
// JSON: socket_drain [--match-nothing]
//
// The floor that samples are measured against: the exporter's request (TCPDIAG_GETSOCK for both
// families, states 0xfff, no extension), a new socket, a 32 KiB buffer, and a walk over the message
// headers that counts them and looks for NLMSG_DONE. Nothing is decoded. Fails where the kernel
// refuses, truncates or answers with an error.
#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include <array>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>

#include "error.hpp"
#include "proc.hpp"
#include "sockdiag/core/file_descriptor.hpp"

namespace sockdiag::bench {
namespace {

enum class Wanted {
  every_socket,
  nothing  // the same walk of the kernel's table, with a local port that no socket may have
};

struct DrainCost {
  std::int64_t cpu_ns = 0;   // of the calling thread, CLOCK_THREAD_CPUTIME_ID
  std::int64_t user_ns = 0;  // getrusage(RUSAGE_THREAD)
  std::int64_t system_ns = 0;
  std::int64_t wall_ns = 0;
  std::size_t datagrams = 0;
  std::size_t bytes = 0;
  std::size_t sockets = 0;
};

constexpr std::uint32_t kAllStates = 0xfff;
constexpr std::uint16_t kUnusedPort = 1;

alignas(nlmsghdr) std::array<char, 32768> g_buffer;

struct Request {
  nlmsghdr header;
  inet_diag_req body;
};

Request dump_request(Wanted wanted) {
  Request request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = TCPDIAG_GETSOCK;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.header.nlmsg_seq = 1;
  request.body.idiag_states = kAllStates;
  if (wanted == Wanted::nothing) request.body.id.idiag_sport = htons(kUnusedPort);
  return request;
}

FileDescriptor send_request(Wanted wanted) {
  const int type = SOCK_RAW | SOCK_CLOEXEC;
  FileDescriptor fd(checked(::socket(AF_NETLINK, type, NETLINK_SOCK_DIAG), "open sock_diag"));
  const Request request = dump_request(wanted);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  checked(::sendto(fd.get(), &request, sizeof request, 0,
                   reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel),
          "ask for a dump");
  return fd;
}

std::size_t receive(int fd) {
  iovec part{g_buffer.data(), g_buffer.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  const ssize_t size = checked(::recvmsg(fd, &message, 0), "receive a dump");
  if ((message.msg_flags & MSG_TRUNC) != 0) throw std::runtime_error("a datagram was truncated");
  return static_cast<std::size_t>(size);
}

void require_success(std::size_t offset, const nlmsghdr& header) {
  std::int32_t error = 0;
  std::memcpy(&error, g_buffer.data() + offset + NLMSG_HDRLEN, sizeof error);
  if (header.nlmsg_type == NLMSG_DONE && error == 0) return;
  throw std::runtime_error("the dump ended with error " + std::to_string(error));
}

// Adds the sockets of a datagram of `size` bytes to the cost; true at NLMSG_DONE.
bool walk(std::size_t size, DrainCost& cost) {
  nlmsghdr header{};
  for (std::size_t offset = 0; offset + NLMSG_HDRLEN <= size;
       offset += NLMSG_ALIGN(header.nlmsg_len)) {
    std::memcpy(&header, g_buffer.data() + offset, sizeof header);
    if (header.nlmsg_len < NLMSG_HDRLEN) throw std::runtime_error("malformed dump");
    if (header.nlmsg_type != TCPDIAG_GETSOCK) {
      require_success(offset, header);
      return true;
    }
    ++cost.sockets;
  }
  return false;
}

DrainCost drain_datagrams(Wanted wanted) {
  const FileDescriptor fd = send_request(wanted);
  DrainCost cost;
  for (bool done = false; !done; ++cost.datagrams) {
    const std::size_t size = receive(fd.get());
    cost.bytes += size;
    done = walk(size, cost);
  }
  return cost;
}

std::int64_t ns_of(clockid_t clock) {
  timespec now{};
  checked(::clock_gettime(clock, &now), "clock_gettime");
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

std::int64_t ns_of(const timeval& time) {
  return time.tv_sec * 1'000'000'000LL + time.tv_usec * 1'000LL;
}

DrainCost clocks_now() {
  rusage usage{};
  checked(::getrusage(RUSAGE_THREAD, &usage), "getrusage");
  return {ns_of(CLOCK_THREAD_CPUTIME_ID), ns_of(usage.ru_utime), ns_of(usage.ru_stime),
          ns_of(CLOCK_MONOTONIC)};
}

DrainCost drain(Wanted wanted) {
  const DrainCost before = clocks_now();
  DrainCost cost = drain_datagrams(wanted);
  const DrainCost after = clocks_now();
  cost.cpu_ns = after.cpu_ns - before.cpu_ns;
  cost.user_ns = after.user_ns - before.user_ns;
  cost.system_ns = after.system_ns - before.system_ns;
  cost.wall_ns = after.wall_ns - before.wall_ns;
  return cost;
}

Wanted parse(int argc, char** argv) {
  if (argc == 1) return Wanted::every_socket;
  if (argc == 2 && std::string(argv[1]) == "--match-nothing") return Wanted::nothing;
  throw std::invalid_argument("usage: socket_drain [--match-nothing]");
}

void print(const DrainCost& cost) {
  const std::size_t peak_kib = number_after("/proc/self/status", "VmHWM:", "VmHWM:");
  std::printf("{\"cpu_ns\": %" PRId64 ", \"user_ns\": %" PRId64 ", \"system_ns\": %" PRId64
              ", \"wall_ns\": %" PRId64
              ", \"datagrams\": %zu, \"bytes\": %zu, \"sockets\": %zu, \"peak_bytes\": %zu}\n",
              cost.cpu_ns, cost.user_ns, cost.system_ns, cost.wall_ns, cost.datagrams, cost.bytes,
              cost.sockets, peak_kib * 1024);
}

}  // namespace
}  // namespace sockdiag::bench

int main(int argc, char** argv) {
  try {
    sockdiag::bench::print(sockdiag::bench::drain(sockdiag::bench::parse(argc, argv)));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "socket_drain: %s\n", error.what());
    return 2;
  }
}
