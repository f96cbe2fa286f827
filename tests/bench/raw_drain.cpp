// SPDX-License-Identifier: Apache-2.0
#include "raw_drain.hpp"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

#include "error.hpp"
#include "file_descriptor.hpp"

namespace sockdiag::bench {
namespace {

constexpr std::uint32_t kAllStates = 0xfff;

alignas(nlmsghdr) std::array<char, 32768> g_buffer;

struct Request {
  nlmsghdr header;
  inet_diag_req body;
};

Request dump_request() {
  Request request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = TCPDIAG_GETSOCK;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.header.nlmsg_seq = 1;
  request.body.idiag_states = kAllStates;
  return request;
}

FileDescriptor send_request() {
  const int type = SOCK_RAW | SOCK_CLOEXEC;
  FileDescriptor fd(checked(::socket(AF_NETLINK, type, NETLINK_SOCK_DIAG), "open sock_diag"));
  const Request request = dump_request();
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

// Calls `on_socket` for each message in between; true at NLMSG_DONE.
template <typename OnSocket>
bool walk(std::size_t size, const OnSocket& on_socket) {
  nlmsghdr header{};
  for (std::size_t offset = 0; offset + NLMSG_HDRLEN <= size;
       offset += NLMSG_ALIGN(header.nlmsg_len)) {
    std::memcpy(&header, g_buffer.data() + offset, sizeof header);
    if (header.nlmsg_len < NLMSG_HDRLEN) throw std::runtime_error("malformed dump");
    if (header.nlmsg_type == TCPDIAG_GETSOCK) {
      on_socket();
      continue;
    }
    require_success(offset, header);
    return true;
  }
  return false;
}

template <typename OnSocket>
std::size_t drain_datagrams(const OnSocket& on_socket) {
  const FileDescriptor fd = send_request();
  std::size_t datagrams = 1;
  while (!walk(receive(fd.get()), on_socket)) ++datagrams;
  return datagrams;
}

double seconds_of(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

DrainCost clocks_now() {
  rusage usage{};
  checked(::getrusage(RUSAGE_THREAD, &usage), "getrusage");
  return {seconds_of(CLOCK_THREAD_CPUTIME_ID), seconds_of(usage.ru_utime),
          seconds_of(usage.ru_stime), seconds_of(CLOCK_MONOTONIC), 0};
}

}  // namespace

DrainCost drain() {
  const DrainCost before = clocks_now();
  const std::size_t datagrams = drain_datagrams([] {});
  const DrainCost after = clocks_now();
  return {after.cpu_seconds - before.cpu_seconds, after.user_seconds - before.user_seconds,
          after.system_seconds - before.system_seconds, after.wall_seconds - before.wall_seconds,
          datagrams};
}

std::size_t count_by_drain() {
  std::size_t sockets = 0;
  drain_datagrams([&sockets] { ++sockets; });
  return sockets;
}

}  // namespace sockdiag::bench
