// SPDX-License-Identifier: Apache-2.0
#pragma once

// The socket below a connection of CivetWeb's, which has no accessor for it. Safe from any thread.

#include <civetweb.h>

#include <cstdint>
#include <optional>

namespace sockdiag {

// Looks for it among the descriptors below `end`. Returns nothing unless exactly one has the peer
// and the local port of the request. Valid for as long as the request is being answered.
[[nodiscard]] std::optional<int> find_accepted_socket(const mg_request_info& request,
                                                      int end) noexcept;

// Bytes of the client's that the kernel has received since the socket was connected (tcp_info, see
// include/uapi/linux/tcp.h), read or not. Nothing if the kernel does not tell (before Linux 4.1,
// gVisor).
[[nodiscard]] std::optional<std::uint64_t> bytes_received(int socket) noexcept;

}  // namespace sockdiag
