// SPDX-License-Identifier: Apache-2.0
#include "socket_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

namespace sockdiag {

SocketAddress socket_address(const ListenAddress& address) noexcept {
  SocketAddress result;
  if (address.kind == ListenAddress::Host::ipv6) {
    auto& ipv6 = reinterpret_cast<sockaddr_in6&>(result.storage);
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(address.port);
    ::inet_pton(AF_INET6, address.host.c_str(), &ipv6.sin6_addr);
    result.length = sizeof ipv6;
    return result;
  }
  const bool any = address.kind == ListenAddress::Host::any;
  auto& ipv4 = reinterpret_cast<sockaddr_in&>(result.storage);
  ipv4.sin_family = AF_INET;
  ipv4.sin_port = htons(address.port);
  ::inet_pton(AF_INET, any ? "127.0.0.1" : address.host.c_str(), &ipv4.sin_addr);
  result.length = sizeof ipv4;
  return result;
}

}  // namespace sockdiag
