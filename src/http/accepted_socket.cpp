// SPDX-License-Identifier: Apache-2.0
#include "accepted_socket.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

namespace sockdiag {
namespace {

AddressBytes address_of(const sockaddr_storage& peer) noexcept {
  AddressBytes bytes{};
  if (peer.ss_family == AF_INET6) {
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr, sizeof bytes);
  } else {
    constexpr std::size_t kMappedBytes = 12;
    bytes[kMappedBytes - 2] = bytes[kMappedBytes - 1] = 0xff;
    std::memcpy(&bytes[kMappedBytes], &reinterpret_cast<const sockaddr_in&>(peer).sin_addr,
                bytes.size() - kMappedBytes);
  }
  return bytes;
}

}  // namespace

AcceptedSocket accept_from(int listener) noexcept {
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  OwnedDescriptor socket(::accept4(listener, reinterpret_cast<sockaddr*>(&peer), &length,
                                   SOCK_CLOEXEC | SOCK_NONBLOCK));
  const int problem = socket.is_open() ? 0 : errno;
  return {std::move(socket), address_of(peer), problem};
}

bool is_lack_of_descriptors(int problem) noexcept { return problem == EMFILE || problem == ENFILE; }

// As accept(2) lists them.
bool is_of_one_connection(int problem) noexcept {
  constexpr int kOnes[] = {ECONNABORTED, EINTR,        EPROTO,      ENETDOWN,   ENOPROTOOPT,
                           EHOSTDOWN,    EHOSTUNREACH, ENETUNREACH, EOPNOTSUPP, ENONET};
  return std::ranges::find(kOnes, problem) != std::ranges::end(kOnes);
}

bool has_ended(int descriptor) noexcept {
  pollfd poll{.fd = descriptor, .events = POLLRDHUP, .revents = 0};
  return ::poll(&poll, 1, 0) > 0;
}

void close_with_reset(int descriptor) noexcept {
  const linger now{.l_onoff = 1, .l_linger = 0};
  static_cast<void>(::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, sizeof now));
}

}  // namespace sockdiag
