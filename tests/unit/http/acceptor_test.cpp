// SPDX-License-Identifier: Apache-2.0
#include "http/acceptor.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

OwnedDescriptor bound_to_loopback() {
  OwnedDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  return socket;
}

bool is_readable(const OwnedDescriptor& descriptor) {
  pollfd poll{.fd = descriptor.get(), .events = POLLIN, .revents = 0};
  return ::poll(&poll, 1, 0) == 1;
}

}  // namespace

// CivetWeb's thread that accepts connections waits for these descriptors, and looks only every two
// seconds whether it is to end.
TEST_CASE("An acceptor that stops wakes CivetWeb, which then ends at once") {
  const OwnedDescriptor civetweb[] = {bound_to_loopback(), bound_to_loopback()};
  Acceptor acceptor({.limits = {}});
  acceptor.take_place_of({civetweb[0].get(), civetweb[1].get()});
  acceptor.start();
  for (const OwnedDescriptor& each : civetweb) CHECK_FALSE(is_readable(each));
  acceptor.stop();
  for (const OwnedDescriptor& each : civetweb) CHECK(is_readable(each));
}

}  // namespace sockdiag::test
