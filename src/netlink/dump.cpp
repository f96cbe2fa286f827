// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/netlink/dump.hpp"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

#include "dump_error.hpp"
#include "message_reader.hpp"

namespace sockdiag {
namespace {

// One request a channel: any number would do.
constexpr std::uint32_t kSequence = 1;

// The answer has its request's type.
constexpr std::uint16_t answer_type(DumpScope scope) {
  return scope == DumpScope::both_families ? TCPDIAG_GETSOCK : SOCK_DIAG_BY_FAMILY;
}

}  // namespace

void dump(Channel& channel, const DumpRequest& request, const SocketSink& sink) {
  channel.send(encode(request, kSequence));
  MessageReader reader(channel, kSequence);
  while (const auto message = reader.next()) {
    if (message->type != answer_type(request.scope)) {
      throw DumpError("reading a sock_diag dump: a message of an unexpected type");
    }
    sink(decode_socket(message->payload));
  }
}

}  // namespace sockdiag
