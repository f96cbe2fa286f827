// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "sockdiag/core/file_descriptor.hpp"

namespace sockdiag::bench {

// Half-open connections of a listener of the current network namespace: SYN_RECV request sockets
// whose clients do not exist. Each SYN comes from another /24 network of 10.0.0.0/8 until all
// 65 536 have sent one. The SYN-ACKs follow a route to loopback, where the kernel discards them
// because nobody has their address. The listener's backlog is made large enough that none of them
// is dropped, answered with a cookie or given up early. They last until the listener is closed.
// Changes routes and sysctls of the namespace: needs root in it. Errors are exceptions.
class SynFlood {
 public:
  // `port` is that of the (wildcard) listener, which outlives this object.
  SynFlood(const FileDescriptor& listener, unsigned port);

  // Makes that many half-open connections and returns when the kernel lists them all.
  void make(std::size_t connections);

 private:
  void make_room_for(std::size_t connections) const;

  const FileDescriptor& listener_;
  unsigned port_;
  FileDescriptor raw_socket_;
};

}  // namespace sockdiag::bench
