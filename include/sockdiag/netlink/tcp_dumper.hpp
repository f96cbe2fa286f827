// SPDX-License-Identifier: Apache-2.0
#pragma once

// Dumps the TCP sockets of the calling thread's network namespace. Dumps both address families in
// one walk of the kernel's tables if the kernel knows TCPDIAG_GETSOCK, else each in its own. The
// first dump decides for all later ones. Not thread-safe.

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "sockdiag/core/socket_record.hpp"
#include "sockdiag/netlink/channel.hpp"

namespace sockdiag {

struct DumpRequest;  // src/netlink/inet_diag.hpp
using SocketSink = std::function<void(const SocketRecord&)>;

// Dumps once. Calls `sink` for every socket of the reply, in the kernel's order: listeners come
// first. Throws DumpError, also if the reply takes longer than 30 s, and std::system_error. Discard
// the sockets and the channel then: the dump is incomplete.
void dump(Channel& channel, const DumpRequest& request, const SocketSink& sink);

class TcpDumper {
 public:
  enum class Method : std::uint8_t { one_walk, walk_per_family };

  explicit TcpDumper(ChannelFactory open_channel) : open_channel_(std::move(open_channel)) {}

  // Dumps all sockets, listeners before connections. Throws like dump(). Throws DumpRefused, with
  // the modprobe command in its text, if the kernel lacks tcp_diag.
  void dump_all(const SocketSink& sink);

  // Dumps listeners only, with their drops. Takes a tenth of a millisecond on most hosts: it does
  // not walk the table of connections. Throws like dump_all().
  void dump_listeners(const SocketSink& sink);

  // Dumps sockets in CLOSE_WAIT only, with the time since their last acknowledgement. Walks the
  // whole table of connections. Throws like dump_all().
  void dump_close_waits(const SocketSink& sink);

  // Dumps sockets in some states only, those whose number is the number of a bit that is set. Walks
  // the whole table of connections, unless LISTEN is the only state. Throws like dump_all().
  void dump_some(std::uint32_t states, const SocketSink& sink);

  // Empty before the first successful dump.
  [[nodiscard]] std::optional<Method> method() const noexcept { return method_; }

 private:
  void dump_states(const DumpRequest& request, const SocketSink& sink);
  // Returns false if the kernel does not know the request.
  [[nodiscard]] bool try_one_walk(const DumpRequest& request, const SocketSink& sink);
  void dump_per_family(DumpRequest request, const SocketSink& sink);
  void dump_one(const DumpRequest& request, const SocketSink& sink);

  ChannelFactory open_channel_;
  std::optional<Method> method_;
};

}  // namespace sockdiag
