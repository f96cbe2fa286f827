// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/netlink/dump.hpp"

#include "dump_error.hpp"
#include "inet_diag.hpp"
#include "message_reader.hpp"

namespace sockdiag {
namespace {

// A channel carries one request, so any number will do.
constexpr std::uint32_t kSequence = 1;

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

}  // namespace sockdiag
