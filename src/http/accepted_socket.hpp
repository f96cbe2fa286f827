// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sockets of clients as accept() returns them. All functions are safe from any thread.

#include "owned_descriptor.hpp"
#include "sockdiag/http/network.hpp"

namespace sockdiag {

struct AcceptedSocket {
  OwnedDescriptor socket;  // does not block
  AddressBytes client{};
  int problem = 0;  // the errno if there is no socket
};

// Accepts the next connection of a listening socket that does not block.
[[nodiscard]] AcceptedSocket accept_from(int listener) noexcept;

// What the errno of accept() says: no descriptor is left; or the connection ended before.
[[nodiscard]] bool is_lack_of_descriptors(int problem) noexcept;
[[nodiscard]] bool is_of_one_connection(int problem) noexcept;

// Returns true if the client sends no more.
[[nodiscard]] bool has_ended(int descriptor) noexcept;

// When the descriptor closes, the kernel forgets at once what the client has not taken.
void close_with_reset(int descriptor) noexcept;

}  // namespace sockdiag
