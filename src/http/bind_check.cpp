// SPDX-License-Identifier: Apache-2.0
#include "bind_check.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <string>
#include <system_error>

#include "sockdiag/http/http_server.hpp"
#include "socket_address.hpp"

namespace sockdiag {
namespace {

class Socket {
 public:
  explicit Socket(int family) : descriptor_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  void set(int level, int option, int value) const noexcept {
    static_cast<void>(::setsockopt(descriptor_, level, option, &value, sizeof value));
  }

  // Returns whether it listens; errno tells why not.
  [[nodiscard]] bool listen(const SocketAddress& address) const noexcept {
    return descriptor_ >= 0 && ::bind(descriptor_, address.get(), address.length) == 0 &&
           ::listen(descriptor_, 1) == 0;
  }

 private:
  int descriptor_;
};

// "localhost:80 (127.0.0.1)" where a name was given.
std::string as_given(const ListenAddress& address) {
  if (address.name.empty()) return to_string(address);
  return address.name + ":" + std::to_string(address.port) + " (" + address.host + ")";
}

}  // namespace

void check_bind(const std::vector<ListenAddress>& addresses, bool both_families) {
  std::deque<Socket> sockets;  // open together: an address that is there twice is in use
  for (const ListenAddress& address : addresses) {
    const SocketAddress own = socket_address(address, both_families ? "::" : "0.0.0.0");
    const Socket& socket = sockets.emplace_back(own.family());
    socket.set(SOL_SOCKET, SO_REUSEADDR, 1);
    const bool ipv6_only = address.kind == ListenAddress::Host::ipv6;
    if (own.family() == AF_INET6) socket.set(IPPROTO_IPV6, IPV6_V6ONLY, ipv6_only ? 1 : 0);
    if (socket.listen(own)) continue;
    throw ServeError("cannot listen on " + as_given(address) + ": " +
                     std::generic_category().message(errno));
  }
}

}  // namespace sockdiag
