// SPDX-License-Identifier: Apache-2.0
//
// A network namespace of the test's own: the calling thread is in it while the object lives, and
// so are the child processes that it starts. Loopback is up with 127.0.0.1 and ::1; there is
// nothing else, so every socket seen in it was made by the test.
//
// The constructor throws std::system_error where namespaces cannot be made (tests run as root): a
// test that cannot run fails. The thread that made the object must destroy it. What belongs to
// the namespace is read in /proc/thread-self/net, never /proc/net (the thread group leader's).
#pragma once

#include <string>

#include "support/subprocess.hpp"

namespace sockdiag::test {

class NetworkNamespace {
 public:
  NetworkNamespace();
  ~NetworkNamespace();

  NetworkNamespace(const NetworkNamespace&) = delete;
  NetworkNamespace& operator=(const NetworkNamespace&) = delete;

  // Writes a sysctl of this namespace: set_sysctl("net/ipv4/ip_local_port_range", "2000 3000").
  void set_sysctl(const std::string& name, const std::string& value) const;

 private:
  FileDescriptor previous_;
};

}  // namespace sockdiag::test
