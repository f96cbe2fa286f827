// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "file_descriptor.hpp"
#include "syn_flood.hpp"

namespace sockdiag::bench {

enum class LoadProfile {
  established,   // connections, ESTABLISHED at both ends
  close_wait,    // every second connection shut down by its client: CLOSE_WAIT and FIN_WAIT2, held
                 // there
  leak,          // every connection so
  destinations,  // as established, each connection to an address of its own
  listeners,     // listeners and nothing else
  syn_flood      // half-open connections of one listener (SynFlood)
};

// Throws std::invalid_argument where there is none of that name.
[[nodiscard]] LoadProfile load_profile(const std::string& name);

// Sockets of the current network namespace. Connections go over loopback to 20 wildcard listeners
// from kFirstServerPort on, and are held, like further listeners, by child processes of at most
// about 18 000 descriptors each. Each child connects from a source address of its own, so that
// local ports never run out and ip_local_port_range stays as the exporter would find it on a host.
// A load leaves no TIME_WAIT behind. Errors are exceptions.
class Load {
 public:
  static constexpr unsigned kFirstServerPort = 8000;
  static constexpr unsigned kServerPorts = 20;

  explicit Load(LoadProfile profile);
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load();  // ends the children

  // Adds to the load until it has `sockets`, and returns when all are in place.
  void grow_to(std::size_t sockets);

  // Two per connection, one per listener or half-open connection; the 20 listeners come on top.
  [[nodiscard]] std::size_t sockets() const noexcept;
  // Those of them that are request sockets, which sockstat leaves out.
  [[nodiscard]] std::size_t half_open() const noexcept;

 private:
  void add_children(std::size_t items);
  void add_child(std::size_t items, int ready_fd);

  LoadProfile profile_;
  std::vector<FileDescriptor> servers_;
  std::optional<SynFlood> flood_;
  std::vector<pid_t> children_;
  std::size_t items_ = 0;  // connections, listeners or half-open connections
};

}  // namespace sockdiag::bench
