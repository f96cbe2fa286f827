// SPDX-License-Identifier: Apache-2.0
#pragma once

// Dumps the TCP sockets of the calling thread's network namespace: in one walk for both address
// families where the kernel answers TCPDIAG_GETSOCK, else in one for each. The first dump finds
// out, and the choice holds from then on. Not thread-safe.

#include <cstdint>
#include <optional>
#include <utility>

#include "sockdiag/netlink/channel.hpp"
#include "sockdiag/netlink/dump.hpp"

namespace sockdiag {

class TcpDumper {
 public:
  enum class Method : std::uint8_t { one_walk, walk_per_family };

  explicit TcpDumper(ChannelFactory open_channel) : open_channel_(std::move(open_channel)) {}

  // All sockets, listeners before connections. Throws like dump(); a kernel without tcp_diag is
  // told by a DumpRefused that says how to load it.
  void dump_all(const SocketSink& sink);

  // Listeners only, with their drops: a tenth of a millisecond on most hosts, since it does not
  // walk the table of connections. Throws like dump_all().
  void dump_listeners(const SocketSink& sink);

  // Those in CLOSE_WAIT only, with the time since their last acknowledgement: it walks the whole
  // table. Throws like dump_all().
  void dump_close_waits(const SocketSink& sink);

  // Nothing before the first dump that succeeded.
  [[nodiscard]] std::optional<Method> method() const noexcept { return method_; }

 private:
  void dump_states(const DumpRequest& request, const SocketSink& sink);
  void dump_first(const DumpRequest& request, const SocketSink& sink);
  // Returns whether the kernel knows the request.
  [[nodiscard]] bool try_one_walk(const DumpRequest& request, const SocketSink& sink);
  void dump_per_family(DumpRequest request, const SocketSink& sink);
  void dump_one(const DumpRequest& request, const SocketSink& sink);

  ChannelFactory open_channel_;
  std::optional<Method> method_;
};

}  // namespace sockdiag
