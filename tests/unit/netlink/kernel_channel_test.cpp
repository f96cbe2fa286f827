// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/netlink/kernel_channel.hpp"

#include <fcntl.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {
using namespace std::chrono_literals;

FileDescriptor opened(int domain, int type, int protocol) {
  FileDescriptor socket(::socket(domain, type | SOCK_CLOEXEC, protocol));
  REQUIRE(socket.is_open());
  return socket;
}

}  // namespace

TEST_CASE("A channel takes over a sock_diag socket", "[namespaces]") {
  FileDescriptor socket = opened(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
  const auto cookie = network_namespace_cookie(socket);
  CHECK(cookie == network_namespace_cookie(opened(AF_INET, SOCK_DGRAM, 0)));
  const auto channel = adopt_kernel_channel(std::move(socket), 1s);
  CHECK(channel->portid() != 0);
}

TEST_CASE("A channel takes over nothing else", "[namespaces]") {
  CHECK_THROWS(adopt_kernel_channel(opened(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), 1s));
  CHECK_THROWS(adopt_kernel_channel(opened(AF_UNIX, SOCK_STREAM, 0), 1s));
  CHECK_THROWS(adopt_kernel_channel(FileDescriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)), 1s));
  CHECK_THROWS(adopt_kernel_channel(FileDescriptor(), 1s));
}

}  // namespace sockdiag::test
