// SPDX-License-Identifier: Apache-2.0
#include "socket_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

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

}  // namespace sockdiag
