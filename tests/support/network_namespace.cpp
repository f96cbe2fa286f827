// SPDX-License-Identifier: Apache-2.0
#include "support/network_namespace.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace sockdiag::test {
namespace {

void check(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
}

FileDescriptor open_current_namespace() {
  FileDescriptor current(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  check(current.get(), "open the network namespace of this thread");
  return current;
}

// The kernel gives loopback its two addresses when it comes up.
void bring_loopback_up() {
  const FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  check(socket.get(), "socket for bringing loopback up");
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", sizeof(request.ifr_name) - 1);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  check(::ioctl(socket.get(), SIOCSIFFLAGS, &request), "bring loopback up");
}

}  // namespace

NetworkNamespace::NetworkNamespace() : previous_(open_current_namespace()) {
  check(::unshare(CLONE_NEWNET), "make a network namespace (tests run as root)");
  bring_loopback_up();
}

NetworkNamespace::~NetworkNamespace() {
  if (::setns(previous_.get(), CLONE_NEWNET) == 0) return;
  std::perror("return to the previous network namespace");
  std::abort();  // whatever ran next would look at the wrong sockets
}

void NetworkNamespace::set_sysctl(const std::string& name, const std::string& value) const {
  std::ofstream file("/proc/sys/" + name);
  file << value << std::flush;
  if (!file) throw std::runtime_error("cannot set " + name + " to " + value);
}

}  // namespace sockdiag::test
