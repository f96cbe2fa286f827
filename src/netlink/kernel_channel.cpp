// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/netlink/kernel_channel.hpp"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "dump_error.hpp"
#include "sockdiag/core/file_descriptor.hpp"

namespace sockdiag {
namespace {

// The kernel never sends a larger datagram of a dump. A smaller buffer would lose messages.
constexpr std::size_t kReceiveBufferBytes = 32768;

[[noreturn]] void throw_error(const char* doing, int error = errno) {
  const std::string_view hint = hint_at_refusal(error);
  if (hint.empty()) throw std::system_error(error, std::generic_category(), doing);
  throw DumpError(std::string(doing) + ": " + std::generic_category().message(error) + " (" +
                  std::string(hint) + ")");
}

class KernelChannel final : public Channel {
 public:
  KernelChannel(FileDescriptor socket, std::chrono::milliseconds receive_deadline)
      : socket_(std::move(socket)) {
    bind();
    set_deadline(receive_deadline);
  }

  void send(std::span<const std::byte> bytes) override {
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    const ssize_t sent =
        ::sendto(socket_.get(), bytes.data(), bytes.size(), 0, address(kernel), sizeof kernel);
    if (sent < 0) throw_error("sending a sock_diag request");
    if (std::cmp_not_equal(sent, bytes.size()))
      throw_error("sending a sock_diag request", EMSGSIZE);
  }

  Datagram receive() override {
    sockaddr_nl sender{};
    iovec buffer{buffer_.data(), buffer_.size()};
    msghdr message{};
    message.msg_name = &sender;
    message.msg_namelen = sizeof sender;
    message.msg_iov = &buffer;
    message.msg_iovlen = 1;
    ssize_t received = -1;
    do {
      received = ::recvmsg(socket_.get(), &message, 0);
    } while (received < 0 && errno == EINTR);
    if (received < 0) {
      throw_error("receiving from sock_diag", errno == EAGAIN ? ETIMEDOUT : errno);
    }
    const auto size = static_cast<std::size_t>(received);
    return {std::span(buffer_).first(size), sender.nl_pid, (message.msg_flags & MSG_TRUNC) != 0};
  }

  std::uint32_t portid() const noexcept override { return portid_; }

 private:
  static sockaddr* address(sockaddr_nl& netlink) noexcept {
    return reinterpret_cast<sockaddr*>(&netlink);
  }

  // Lets the kernel choose the socket's address.
  void bind() {
    sockaddr_nl own{};
    own.nl_family = AF_NETLINK;
    if (::bind(socket_.get(), address(own), sizeof own) < 0)
      throw_error("binding a sock_diag socket");
    socklen_t size = sizeof own;
    if (::getsockname(socket_.get(), address(own), &size) < 0) {
      throw_error("asking for the address of a sock_diag socket");
    }
    portid_ = own.nl_pid;
  }

  void set_deadline(std::chrono::milliseconds deadline) {
    const timeval timeout{.tv_sec = deadline.count() / 1000,
                          .tv_usec = deadline.count() % 1000 * 1000};
    if (::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0) {
      throw_error("setting the deadline of a sock_diag socket");
    }
  }

  FileDescriptor socket_;
  std::uint32_t portid_ = 0;
  std::array<std::byte, kReceiveBufferBytes> buffer_;
};

// Returns the value of an option of SOL_SOCKET. Nothing if the kernel does not know it.
template <typename Value>
std::optional<Value> option_of(const FileDescriptor& socket, int option) noexcept {
  Value value{};
  socklen_t size = sizeof value;
  const bool known = ::getsockopt(socket.get(), SOL_SOCKET, option, &value, &size) == 0;
  return known && size == sizeof value ? std::optional(value) : std::nullopt;
}

}  // namespace

std::unique_ptr<Channel> open_kernel_channel(std::chrono::milliseconds receive_deadline) {
  FileDescriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!socket.is_open()) throw_error("opening a sock_diag socket");
  return std::make_unique<KernelChannel>(std::move(socket), receive_deadline);
}

std::unique_ptr<Channel> adopt_kernel_channel(FileDescriptor socket,
                                              std::chrono::milliseconds receive_deadline) {
  if (option_of<int>(socket, SO_DOMAIN) != AF_NETLINK ||
      option_of<int>(socket, SO_PROTOCOL) != NETLINK_SOCK_DIAG) {
    throw DumpError("taking over a socket: expected one of sock_diag");
  }
  return std::make_unique<KernelChannel>(std::move(socket), receive_deadline);
}

std::optional<std::uint64_t> network_namespace_cookie(const FileDescriptor& socket) noexcept {
#ifndef SO_NETNS_COOKIE
  constexpr int SO_NETNS_COOKIE = 71;  // asm-generic/socket.h of Linux 5.14
#endif
  return option_of<std::uint64_t>(socket, SO_NETNS_COOKIE);
}

}  // namespace sockdiag
