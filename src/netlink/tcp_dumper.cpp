// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/netlink/tcp_dumper.hpp"

#include <linux/sock_diag.h>

#include <array>
#include <cerrno>

#include "dump_error.hpp"
#include "inet_diag.hpp"
#include "message_reader.hpp"

namespace sockdiag {
namespace {

// A channel carries one request, so any number will do.
constexpr std::uint32_t kSequence = 1;

constexpr std::array<std::uint8_t, 2> kFamilies = {AF_INET, AF_INET6};

// The kernel lacks the module inet_diag or tcp_diag, which answers sock_diag's requests.
bool means_no_module(int error) { return error == ENOENT || error == EOPNOTSUPP; }

// The kernel does not know TCPDIAG_GETSOCK. Other errors (no memory, a dump under way) pass.
bool means_unknown_request(int error) {
  return means_no_module(error) || error == EINVAL || error == EPROTONOSUPPORT || error == EPERM;
}

}  // namespace

void dump(Channel& channel, const DumpRequest& request, const SocketSink& sink) {
  channel.send(encode(request, kSequence));
  MessageReader reader(channel, kSequence);
  while (const auto message = reader.next()) {
    if (message->type != request.message_type) {
      throw DumpError("reading a sock_diag dump: the kernel sent a message of an unexpected type");
    }
    sink(decode_socket(message->payload));
  }
}

void TcpDumper::dump_one(const DumpRequest& request, const SocketSink& sink) {
  const auto channel = open_channel_();
  dump(*channel, request, sink);
}

// Dumps listeners of both families first: a connection of one family may have come through a
// listener of the other.
void TcpDumper::dump_per_family(DumpRequest request, const SocketSink& sink) {
  const std::uint32_t asked = request.states;
  request.message_type = SOCK_DIAG_BY_FAMILY;
  for (const std::uint32_t states : {asked & kListenState, asked & ~kListenState}) {
    if (states == 0) continue;
    for (const std::uint8_t family : kFamilies) {
      request.states = states;
      request.family = family;
      dump_one(request, sink);
    }
  }
}

bool TcpDumper::try_one_walk(const DumpRequest& request, const SocketSink& sink) {
  bool any = false;
  try {
    dump_one(request, [&](const SocketRecord& record) {
      any = true;
      sink(record);
    });
    return true;
  } catch (const DumpRefused& refused) {
    if (any || !means_unknown_request(refused.error())) throw;
    return false;
  }
}

void TcpDumper::dump_states(const DumpRequest& request, const SocketSink& sink) {
  try {
    if (method_ == Method::one_walk) {
      dump_one(request, sink);
    } else if (!method_ && try_one_walk(request, sink)) {
      method_ = Method::one_walk;
    } else {
      dump_per_family(request, sink);
      method_ = Method::walk_per_family;
    }
  } catch (const DumpRefused& refused) {
    if (!means_no_module(refused.error())) throw;
    throw DumpRefused(
        "dumping TCP sockets (no tcp_diag in this kernel? Load it with: modprobe tcp_diag)",
        refused.error());
  }
}

void TcpDumper::dump_all(const SocketSink& sink) { dump_states({}, sink); }

void TcpDumper::dump_listeners(const SocketSink& sink) {
  dump_states({.states = kListenState, .extensions = kSocketMemory}, sink);
}

void TcpDumper::dump_some(std::uint32_t states, const SocketSink& sink) {
  dump_states({.states = states}, sink);
}

void TcpDumper::dump_close_waits(const SocketSink& sink) {
  dump_states({.states = kCloseWaitState, .extensions = kTcpInfo}, sink);
}

}  // namespace sockdiag
