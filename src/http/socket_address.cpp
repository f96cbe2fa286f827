// SPDX-License-Identifier: Apache-2.0
#include "socket_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>

namespace sockdiag {

SocketAddress socket_address(const ListenAddress& address, const char* any_host) noexcept {
  const char* host = address.kind == ListenAddress::Host::any ? any_host : address.host.c_str();
  SocketAddress result;
  auto& ipv4 = reinterpret_cast<sockaddr_in&>(result.storage);
  if (::inet_pton(AF_INET, host, &ipv4.sin_addr) == 1) {
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(address.port);
    result.length = sizeof ipv4;
    return result;
  }
  auto& ipv6 = reinterpret_cast<sockaddr_in6&>(result.storage);
  ipv6.sin6_family = AF_INET6;
  ipv6.sin6_port = htons(address.port);
  ::inet_pton(AF_INET6, host, &ipv6.sin6_addr);
  result.length = sizeof ipv6;
  return result;
}

ProbeSocket::ProbeSocket(int family) noexcept
    : descriptor_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      problem_(is_open() ? 0 : errno) {}

ProbeSocket::~ProbeSocket() {
  if (is_open()) ::close(descriptor_);
}

int ProbeSocket::bind(const SocketAddress& address) const noexcept {
  if (!is_open()) return problem_;
  return ::bind(descriptor_, address.get(), address.length) == 0 ? 0 : errno;
}

int ProbeSocket::bind_and_listen(const SocketAddress& address, bool ipv6_only) const noexcept {
  const auto set = [this](int level, int option, int value) {
    static_cast<void>(::setsockopt(descriptor_, level, option, &value, sizeof value));
  };
  set(SOL_SOCKET, SO_REUSEADDR, 1);
  if (address.family() == AF_INET6) set(IPPROTO_IPV6, IPV6_V6ONLY, ipv6_only ? 1 : 0);
  if (const int problem = bind(address)) return problem;
  return ::listen(descriptor_, 1) == 0 ? 0 : errno;
}

}  // namespace sockdiag
