// SPDX-License-Identifier: Apache-2.0
#include "knock.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include "socket_address.hpp"

namespace sockdiag {
void knock(const ListenAddress& address) noexcept {
  const SocketAddress peer = socket_address(address, "127.0.0.1");
  const int fd = ::socket(peer.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return;
  static_cast<void>(::connect(fd, peer.get(), peer.length));
  ::close(fd);
}

}  // namespace sockdiag
