// SPDX-License-Identifier: Apache-2.0
#pragma once

// The sockets below CivetWeb, which has no accessor for them. Safe from any thread.

#include <civetweb.h>

#include <cstdint>
#include <optional>

namespace sockdiag {

// Looks among the descriptors below `end` for the socket on which the request came. Returns nothing
// unless exactly one has the peer and the local port of the request. The result is valid while the
// request is being answered.
[[nodiscard]] std::optional<int> find_accepted_socket(const mg_request_info& request,
                                                      int end) noexcept;

// Returns how many bytes of the client the kernel has received since the socket was connected, read
// or not (tcp_info, see include/uapi/linux/tcp.h). Returns nothing if the kernel does not say
// (before Linux 4.1, gVisor).
[[nodiscard]] std::optional<std::uint64_t> bytes_received(int socket) noexcept;

// Makes the sockets of this process that listen on the port, below descriptor `end`, refuse
// connections. Whoever polls them wakes at once.
void stop_listening(int port, int end) noexcept;

}  // namespace sockdiag
