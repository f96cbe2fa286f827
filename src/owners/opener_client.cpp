// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/owners/opener_client.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "sockdiag/owners/opener_protocol.hpp"

namespace sockdiag {
namespace {

// More would be cut off, and closed, by the kernel.
constexpr std::size_t kMostDescriptors = 8;

std::string message_of(int error) { return std::generic_category().message(error); }

[[noreturn]] void throw_error(const std::string& path, const std::string& why) {
  throw OpenerError("asking sockdiag_opener at " + path + ": " + why);
}

bool has_ended(int error) { return error == EPIPE || error == ECONNRESET || error == ENOTCONN; }

// An errno value in words; that of a deadline is not "Resource temporarily unavailable".
std::string why_not(int error) {
  return error == EAGAIN || error == EWOULDBLOCK ? "no answer in time" : message_of(error);
}

void set_deadlines(const FileDescriptor& socket) {
  const timeval deadline{.tv_sec = OpenerClient::kDeadline.count(), .tv_usec = 0};
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    ::setsockopt(socket.get(), SOL_SOCKET, option, &deadline, sizeof deadline);
  }
}

std::optional<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) return std::nullopt;
  std::copy(path.begin(), path.end(), &address.sun_path[0]);
  return address;
}

std::vector<FileDescriptor> descriptors_in(msghdr& message) {
  std::vector<FileDescriptor> descriptors;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    for (std::size_t at = CMSG_LEN(0); at + sizeof(int) <= part->cmsg_len; at += sizeof(int)) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(part) + (at - CMSG_LEN(0)), sizeof descriptor);
      descriptors.emplace_back(descriptor);
    }
  }
  return descriptors;
}

struct Answer {
  ssize_t size = -1;  // negative: errno says why
  OpenerReply reply;
  std::vector<FileDescriptor> descriptors;
};

Answer receive_answer(const FileDescriptor& connection) {
  Answer answer;
  // One byte more than the reply shows one that is too long.
  std::array<std::byte, sizeof(OpenerReply) + 1> bytes{};
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kMostDescriptors * sizeof(int))> control{};
  iovec buffer{bytes.data(), bytes.size()};
  msghdr message{};
  message.msg_iov = &buffer;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  do {
    answer.size = ::recvmsg(connection.get(), &message, MSG_CMSG_CLOEXEC);
  } while (answer.size < 0 && errno == EINTR);
  if (answer.size < 0) return answer;
  std::memcpy(&answer.reply, bytes.data(), sizeof answer.reply);
  answer.descriptors = descriptors_in(message);
  return answer;
}

}  // namespace

OpenerRefused::OpenerRefused(int error)
    : std::runtime_error("sockdiag_opener cannot open it: " + message_of(error)) {}

FileDescriptor OpenerClient::open(const std::string& path, std::int32_t pid, std::uint64_t inode) {
  if (path != path_) connection_.close();
  path_ = path;
  try {
    // One that was there before may have ended with its opener.
    const bool was_there = connection_.is_open();
    if (was_there && try_send(pid, inode)) {
      if (auto socket = receive()) return *std::move(socket);
    }
    connect();
    if (try_send(pid, inode)) {
      if (auto socket = receive()) return *std::move(socket);
    }
    throw_error(path_, "it has closed the connection");
  } catch (const OpenerError&) {
    connection_.close();  // an answer that comes late must not be taken for another's
    throw;
  }
}

void OpenerClient::connect() {
  const auto address = address_of(path_);
  if (!address) throw_error(path_, "expected a path of 1 to 107 characters");
  connection_ = FileDescriptor(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!connection_.is_open()) throw_error(path_, message_of(errno));
  set_deadlines(connection_);
  if (::connect(connection_.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) !=
      0) {
    throw_error(path_, why_not(errno));
  }
}

bool OpenerClient::try_send(std::int32_t pid, std::uint64_t inode) {
  const OpenerRequest request{.pid = pid, .inode = inode};
  const ssize_t sent = ::send(connection_.get(), &request, sizeof request, MSG_NOSIGNAL);
  if (sent < 0 && !has_ended(errno)) throw_error(path_, why_not(errno));
  return std::cmp_equal(sent, sizeof request);
}

std::optional<FileDescriptor> OpenerClient::receive() {
  Answer answer = receive_answer(connection_);
  if (answer.size == 0 || (answer.size < 0 && has_ended(errno))) return std::nullopt;
  if (answer.size < 0) throw_error(path_, why_not(errno));
  if (std::cmp_not_equal(answer.size, sizeof answer.reply)) {
    throw_error(path_, "expected an answer of 4 bytes");
  }
  const std::size_t expected = answer.reply.error == 0 ? 1 : 0;
  if (answer.descriptors.size() != expected) {
    throw_error(path_, "expected " + std::to_string(expected) + " descriptors in the answer, got " +
                           std::to_string(answer.descriptors.size()));
  }
  if (answer.reply.error != 0) throw OpenerRefused(answer.reply.error);
  return std::move(answer.descriptors.front());
}

}  // namespace sockdiag
