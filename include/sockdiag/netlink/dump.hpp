// SPDX-License-Identifier: Apache-2.0
#pragma once

// One dump: a request and its whole reply, read datagram by datagram in constant space.

#include <functional>

#include "sockdiag/core/socket_record.hpp"
#include "sockdiag/netlink/channel.hpp"

namespace sockdiag {

struct DumpRequest;  // src/netlink/inet_diag.hpp
using SocketSink = std::function<void(const SocketRecord&)>;

// Calls `sink` for every socket of the reply, in the kernel's order: listeners come first. Throws
// DumpError, also if the reply takes longer than 30 s, and std::system_error. Discard the sockets
// and the channel then: the dump is incomplete.
void dump(Channel& channel, const DumpRequest& request, const SocketSink& sink);

}  // namespace sockdiag
