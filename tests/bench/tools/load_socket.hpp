// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>

#include "sockdiag/core/file_descriptor.hpp"

namespace sockdiag::bench {

// IPv4 TCP sockets for a load. Each is reset when it is closed and leaves no TIME_WAIT behind;
// accepted ones inherit that. Errors are exceptions.

struct Endpoint {
  std::uint32_t address = INADDR_ANY;  // host byte order, as the port
  unsigned port = 0;
};

// The address and port of the listener that the n-th connection of a load goes to: consecutive
// ports, in turn.
constexpr unsigned kFirstServerPort = 8000;
constexpr unsigned kServerPorts = 20;
[[nodiscard]] inline Endpoint server_endpoint(std::size_t n) {
  return {INADDR_LOOPBACK, kFirstServerPort + static_cast<unsigned>(n % kServerPorts)};
}

// What the kernel takes, and how it takes it.
[[nodiscard]] sockaddr_in kernel_address(const Endpoint& endpoint);
[[nodiscard]] inline const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

[[nodiscard]] FileDescriptor listen_at(const Endpoint& local);

// The local port is chosen by connect(), where it must only differ within one destination.
[[nodiscard]] FileDescriptor connect_from(std::uint32_t source_address, const Endpoint& remote);

[[nodiscard]] FileDescriptor accept_from(const FileDescriptor& listener);

// With a FIN instead of a reset.
void close_in_order(FileDescriptor& fd);

}  // namespace sockdiag::bench
