// SPDX-License-Identifier: Apache-2.0
#pragma once

// Addresses as the socket calls take them, and a socket that tries them out.

#include <sys/socket.h>

#include "sockdiag/http/listen_address.hpp"

namespace sockdiag {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  [[nodiscard]] const sockaddr* get() const noexcept {
    return reinterpret_cast<const sockaddr*>(&storage);
  }
  [[nodiscard]] int family() const noexcept { return storage.ss_family; }
};

// Converts a numeric address. `any_host` is the IPv4 or IPv6 address that `any` stands for.
[[nodiscard]] SocketAddress socket_address(const ListenAddress& address,
                                           const char* any_host) noexcept;

// A TCP socket that finds out what the kernel allows. It closes with the object.
class ProbeSocket {
 public:
  explicit ProbeSocket(int family) noexcept;
  ProbeSocket(const ProbeSocket&) = delete;
  ProbeSocket& operator=(const ProbeSocket&) = delete;
  ~ProbeSocket();

  [[nodiscard]] bool is_open() const noexcept { return descriptor_ >= 0; }

  // Return 0, or the errno of the call that failed, socket() included.
  [[nodiscard]] int bind(const SocketAddress& address) const noexcept;
  [[nodiscard]] int bind_and_listen(const SocketAddress& address, bool ipv6_only) const noexcept;

 private:
  const int descriptor_;
  const int problem_;  // the errno of socket(), or 0
};

}  // namespace sockdiag
