// SPDX-License-Identifier: Apache-2.0
#pragma once

// A service manager of a test: the socket that NOTIFY_SOCKET names while the object lives.

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstdlib>
#include <string>

#include "sockdiag/core/file_descriptor.hpp"
#include "support/catch.hpp"
#include "support/subprocess.hpp"

namespace sockdiag::test {

class NotifySocket {
 public:
  static constexpr char kStranger[] = "X_STRANGER=1";

  NotifySocket() {
    const std::string path = directory_.path() + "/notify";
    REQUIRE(path.copy(address_.sun_path, sizeof address_.sun_path - 1) == path.size());
    REQUIRE(::bind(socket_.get(), address(), sizeof address_) == 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;
  ~NotifySocket() { ::unsetenv("NOTIFY_SOCKET"); }

  // Takes the next message that was sent; "" if there is none.
  [[nodiscard]] std::string receive() const {
    std::array<char, 8192> buffer{};
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    return {buffer.data(), static_cast<std::size_t>(got < 0 ? 0 : got)};
  }

  // Sends strangers' messages until the socket takes no more. Returns how many.
  [[nodiscard]] std::size_t fill() const {
    const FileDescriptor stranger(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    std::size_t sent = 0;
    while (::sendto(stranger.get(), kStranger, sizeof kStranger - 1, MSG_DONTWAIT, address(),
                    sizeof address_) > 0) {
      ++sent;
    }
    REQUIRE(sent > 0);
    return sent;
  }

 private:
  [[nodiscard]] const sockaddr* address() const {
    return reinterpret_cast<const sockaddr*>(&address_);
  }

  TemporaryDirectory directory_;
  sockaddr_un address_{.sun_family = AF_UNIX, .sun_path = {}};
  FileDescriptor socket_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

}  // namespace sockdiag::test
