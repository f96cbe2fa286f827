// SPDX-License-Identifier: Apache-2.0
#include "civet_sockets.hpp"

#include <linux/tcp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace sockdiag {
namespace {

using Name = int (*)(int, sockaddr*, socklen_t*);

struct Endpoint {
  std::array<char, NI_MAXHOST> host{};
  int port = 0;
};

// Returns the address as CivetWeb writes it, or nothing if the descriptor has none.
std::optional<Endpoint> endpoint_of(int descriptor, Name name) noexcept {
  sockaddr_storage storage{};
  auto* const address = reinterpret_cast<sockaddr*>(&storage);
  socklen_t length = sizeof storage;
  if (name(descriptor, address, &length) != 0) return std::nullopt;
  Endpoint endpoint;
  std::array<char, NI_MAXSERV> port{};
  if (::getnameinfo(address, length, endpoint.host.data(), endpoint.host.size(), port.data(),
                    port.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return std::nullopt;
  }
  std::from_chars(port.data(), port.data() + std::strlen(port.data()), endpoint.port);
  return endpoint;
}

bool belongs_to(int descriptor, const mg_request_info& request) noexcept {
  const auto peer = endpoint_of(descriptor, ::getpeername);
  if (!peer || peer->port != request.remote_port) return false;
  if (std::string_view(peer->host.data()) != request.remote_addr) return false;
  const auto local = endpoint_of(descriptor, ::getsockname);
  return local && local->port == request.server_port;
}

bool listens_on(int descriptor, int port) noexcept {
  int listens = 0;
  socklen_t length = sizeof listens;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) != 0) return false;
  if (listens == 0) return false;
  const auto local = endpoint_of(descriptor, ::getsockname);
  return local && local->port == port;
}

}  // namespace

std::optional<int> find_accepted_socket(const mg_request_info& request, int end) noexcept {
  std::optional<int> found;
  for (int descriptor = 0; descriptor < end; ++descriptor) {
    if (!belongs_to(descriptor, request)) continue;
    if (found) return std::nullopt;  // a client port that faces two of our addresses
    found = descriptor;
  }
  return found;
}

std::optional<std::uint64_t> bytes_received(int socket) noexcept {
  tcp_info info{};
  socklen_t length = sizeof info;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return std::nullopt;
  constexpr std::size_t kNeeded =
      offsetof(tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received;
  if (length < kNeeded) return std::nullopt;
  return info.tcpi_bytes_received;
}

void stop_listening(int port, int end) noexcept {
  for (int descriptor = 0; descriptor < end; ++descriptor) {
    if (listens_on(descriptor, port)) ::shutdown(descriptor, SHUT_RD);
  }
}

}  // namespace sockdiag
