// SPDX-License-Identifier: Apache-2.0
#include "message_reader.hpp"

#include <linux/netlink.h>

#include <algorithm>
#include <cstring>
#include <system_error>

#include "dump_error.hpp"

namespace sockdiag {
namespace {

constexpr char kDoing[] = "reading a sock_diag dump";

[[noreturn]] void lost(const char* why) { throw DumpError(std::string(kDoing) + ": " + why); }

nlmsghdr header_of(std::span<const std::byte> bytes) {
  nlmsghdr header;
  if (bytes.size() < sizeof header) lost("the datagram ends inside a message header");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.nlmsg_len < sizeof header) lost("a message is shorter than its header");
  if (header.nlmsg_len > bytes.size()) lost("a message is longer than the datagram");
  return header;
}

// DONE and ERROR both start with a negative errno, or zero.
int error_of(std::span<const std::byte> payload) {
  std::int32_t error = 0;
  if (payload.size() < sizeof error) lost("an end or error message without an error number");
  std::memcpy(&error, payload.data(), sizeof error);
  if (error > 0) lost("an error number that is not negative");
  return error == INT32_MIN ? INT32_MAX : -error;
}

void check_result(std::span<const std::byte> payload) {
  if (const int error = error_of(payload); error != 0) throw DumpRefused(kDoing, error);
}

}  // namespace

DumpRefused::DumpRefused(const std::string& doing, int error)
    : DumpError(doing + ": the kernel answered: " + std::generic_category().message(error)),
      error_(error) {}

void MessageReader::receive() {
  const Datagram datagram = channel_.receive();
  if (datagram.truncated) lost("a datagram was longer than the receive buffer");
  if (datagram.sender_portid != 0) lost("a datagram that the kernel did not send");
  if (datagram.bytes.empty()) lost("an empty datagram");
  rest_ = datagram.bytes;
}

std::optional<MessageReader::Message> MessageReader::next() {
  while (!done_) {
    if (rest_.empty()) receive();
    const nlmsghdr header = header_of(rest_);
    if (header.nlmsg_seq != sequence_) lost("a message with another request's sequence number");
    if (header.nlmsg_pid != channel_.portid()) lost("a message for another socket");
    if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) {
      lost("the kernel says it is inconsistent (NLM_F_DUMP_INTR)");
    }
    const auto payload = rest_.subspan(sizeof header, header.nlmsg_len - sizeof header);
    // The last message of a datagram may lack its padding.
    rest_ = rest_.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), rest_.size()));
    switch (header.nlmsg_type) {
      case NLMSG_NOOP:
        break;
      case NLMSG_OVERRUN:
        lost("data was lost on the way (NLMSG_OVERRUN)");
      case NLMSG_ERROR:
        check_result(payload);  // zero is an acknowledgement: the data is still to come
        break;
      case NLMSG_DONE:
        check_result(payload);
        done_ = true;
        break;
      default:
        return Message{header.nlmsg_type, payload};
    }
  }
  return std::nullopt;
}

}  // namespace sockdiag
