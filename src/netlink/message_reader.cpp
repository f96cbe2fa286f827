// SPDX-License-Identifier: Apache-2.0
#include "message_reader.hpp"

#include <linux/netlink.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "dump_error.hpp"

namespace sockdiag {
namespace {

constexpr char kDoing[] = "reading a sock_diag dump";

// The whole reply. A million sockets take 1 to 2 s, so ten millions fit, or several millions on a
// slow machine. A reply that never ends fails its sample within half of the 60 s after which the
// service manager's watchdog would end the process.
constexpr std::chrono::seconds kDeadline(30);

[[noreturn]] void throw_dump_error(const char* why) {
  throw DumpError(std::string(kDoing) + ": " + why);
}

nlmsghdr header_of(std::span<const std::byte> bytes) {
  nlmsghdr header;
  if (bytes.size() < sizeof header) throw_dump_error("the datagram ends inside a message header");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.nlmsg_len < sizeof header) throw_dump_error("a message is shorter than its header");
  if (header.nlmsg_len > bytes.size()) throw_dump_error("a message is longer than the datagram");
  return header;
}

// DONE and ERROR both start with a negative errno, or zero.
int error_of(std::span<const std::byte> payload) {
  std::int32_t error = 0;
  if (payload.size() < sizeof error)
    throw_dump_error("an end or error message without an error number");
  std::memcpy(&error, payload.data(), sizeof error);
  if (error > 0) throw_dump_error("an error number that is not negative");
  return error == INT32_MIN ? INT32_MAX : -error;
}

void check_result(std::span<const std::byte> payload) {
  if (const int error = error_of(payload); error != 0) throw DumpRefused(kDoing, error);
}

}  // namespace

MessageReader::MessageReader(Channel& channel, std::uint32_t sequence, Clock clock)
    : channel_(channel),
      sequence_(sequence),
      clock_(std::move(clock)),
      deadline_(clock_() + kDeadline) {}

void MessageReader::receive() {
  if (clock_() >= deadline_) throw_dump_error("no end of the reply within 30 s");
  const Datagram datagram = channel_.receive();
  if (datagram.truncated) throw_dump_error("a datagram was longer than the receive buffer");
  if (datagram.sender_portid != 0) throw_dump_error("a datagram that the kernel did not send");
  if (datagram.bytes.empty()) throw_dump_error("an empty datagram");
  rest_ = datagram.bytes;
}

std::optional<MessageReader::Message> MessageReader::next() {
  while (!done_) {
    if (rest_.empty()) receive();
    const nlmsghdr header = header_of(rest_);
    if (header.nlmsg_seq != sequence_)
      throw_dump_error("a message with another request's sequence number");
    if (header.nlmsg_pid != channel_.portid()) throw_dump_error("a message for another socket");
    if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) {
      throw_dump_error("the kernel says it is inconsistent (NLM_F_DUMP_INTR)");
    }
    const auto payload = rest_.subspan(sizeof header, header.nlmsg_len - sizeof header);
    // The last message of a datagram may lack its padding.
    rest_ = rest_.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), rest_.size()));
    switch (header.nlmsg_type) {
      case NLMSG_NOOP:
        break;
      case NLMSG_OVERRUN:
        throw_dump_error("data was lost on the way (NLMSG_OVERRUN)");
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
