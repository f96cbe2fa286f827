// SPDX-License-Identifier: Apache-2.0
#pragma once

// A numeric address as the socket calls take it.

#include <sys/socket.h>

#include "sockdiag/exporter/listen_address.hpp"

namespace sockdiag {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  [[nodiscard]] const sockaddr* get() const noexcept {
    return reinterpret_cast<const sockaddr*>(&storage);
  }
};

// Every address of this host (`any`) is its IPv4 loopback address.
[[nodiscard]] SocketAddress socket_address(const ListenAddress& address) noexcept;

}  // namespace sockdiag
