// SPDX-License-Identifier: Apache-2.0
#pragma once

// A numeric address as the socket calls take it.

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

// Every address of this host (`any`) becomes `any_host`, an IPv4 or IPv6 address.
[[nodiscard]] SocketAddress socket_address(const ListenAddress& address,
                                           const char* any_host) noexcept;

}  // namespace sockdiag
