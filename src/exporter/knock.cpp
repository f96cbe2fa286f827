// SPDX-License-Identifier: Apache-2.0
#include "knock.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sockdiag {
namespace {

// Returns the address's length.
socklen_t write_address(const ListenAddress& address, sockaddr_storage& storage) noexcept {
  if (address.kind == ListenAddress::Host::ipv6) {
    auto& ipv6 = reinterpret_cast<sockaddr_in6&>(storage);
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(address.port);
    ::inet_pton(AF_INET6, address.host.c_str(), &ipv6.sin6_addr);
    return sizeof ipv6;
  }
  const bool any = address.kind == ListenAddress::Host::any;
  auto& ipv4 = reinterpret_cast<sockaddr_in&>(storage);
  ipv4.sin_family = AF_INET;
  ipv4.sin_port = htons(address.port);
  ::inet_pton(AF_INET, any ? "127.0.0.1" : address.host.c_str(), &ipv4.sin_addr);
  return sizeof ipv4;
}

}  // namespace

void knock(const ListenAddress& address) noexcept {
  sockaddr_storage storage{};
  const socklen_t length = write_address(address, storage);
  const int fd = ::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return;
  static_cast<void>(::connect(fd, reinterpret_cast<const sockaddr*>(&storage), length));
  ::close(fd);
}

}  // namespace sockdiag
