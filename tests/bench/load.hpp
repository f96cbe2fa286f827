// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <vector>

#include "file_descriptor.hpp"

namespace sockdiag::bench {

enum class LoadProfile {
  established,  // every connection ESTABLISHED at both ends
  close_wait    // every second connection shut down by its client: CLOSE_WAIT and FIN_WAIT2, held
                // there
};

// Loopback connections of the current network namespace, held by child processes of at most about
// 18 000 descriptors each. The servers are 20 wildcard listeners from kFirstServerPort on; each
// child connects from a source address of its own, so that local ports never run out and
// ip_local_port_range stays as the exporter would find it on a host. Every socket is reset when it
// is closed: a load leaves no TIME_WAIT behind. Errors are exceptions.
class Load {
 public:
  static constexpr unsigned kFirstServerPort = 8000;
  static constexpr unsigned kServerPorts = 20;

  explicit Load(LoadProfile profile);
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load();  // ends the children

  // Adds connections (two sockets each) until there are `sockets`, and returns when all are in
  // place.
  void grow_to(std::size_t sockets);

  // Two per connection; the listeners come on top.
  [[nodiscard]] std::size_t connected_sockets() const noexcept { return 2 * connections_; }

 private:
  void add_child(std::size_t connections, int ready_fd);

  LoadProfile profile_;
  std::vector<FileDescriptor> listeners_;
  std::vector<pid_t> children_;
  std::size_t connections_ = 0;
};

}  // namespace sockdiag::bench
