// SPDX-License-Identifier: Apache-2.0
#pragma once

// One dump: a request and its whole reply, datagram by datagram, in constant space.

#include <functional>

#include "sockdiag/core/socket_record.hpp"
#include "sockdiag/netlink/channel.hpp"

namespace sockdiag {

struct DumpRequest;  // src/netlink/inet_diag.hpp
using SocketSink = std::function<void(const SocketRecord&)>;

// Calls `sink` for every socket of the reply, in the kernel's order: listeners come first. Throws
// DumpError and std::system_error; then what `sink` was given is a part only and must be dropped,
// and so must `channel`.
void dump(Channel& channel, const DumpRequest& request, const SocketSink& sink);

}  // namespace sockdiag
