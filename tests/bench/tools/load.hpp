// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "sockdiag/core/file_descriptor.hpp"
#include "syn_flood.hpp"

namespace sockdiag::bench {

// What a load's sockets are; README.md describes each.
struct Profile {
  std::string_view name;
  std::size_t default_sockets;
  std::size_t sockets_per_item;  // items are connections, listeners or half-open connections
  bool moving;                   // sockets come and go while it stands
};

// Throws std::invalid_argument where there is none of that name.
[[nodiscard]] const Profile& profile_named(std::string_view name);

// Sockets of the current network namespace. Connections go over loopback to 20 wildcard listeners
// from kFirstServerPort on, and are held, like further listeners, by child processes of at most
// about 18 000 descriptors each. Each child connects from a source address of its own, so that
// local ports never run out and ip_local_port_range stays as the exporter would find it on a host.
// What is held is reset at its end and leaves no TIME_WAIT behind. Errors are exceptions.
class Load {
 public:
  // Returns when all are in place. Throws before the first is made where they do not fit.
  Load(const Profile& profile, std::size_t sockets);
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load();  // ends the children

  // Two per connection, one per listener or half-open connection; the 20 listeners come on top.
  [[nodiscard]] std::size_t sockets() const noexcept { return items_ * profile_.sockets_per_item; }
  // Those of them that are request sockets, which sockstat leaves out.
  [[nodiscard]] std::size_t half_open() const noexcept { return flood_ ? items_ : 0; }

  // Throws where a process that holds some of it has ended.
  void require_alive() const;

 private:
  using Body = std::function<void(const std::function<void()>& report_ready)>;

  void make();
  void add_child(const Body& body);
  void add_holders();
  void await_ready();

  const Profile& profile_;
  std::size_t items_;
  FileDescriptor ready_reader_;
  FileDescriptor ready_writer_;
  std::vector<FileDescriptor> servers_;
  std::optional<SynFlood> flood_;
  std::vector<pid_t> children_;
  std::size_t ready_ = 0;  // of the children
};

}  // namespace sockdiag::bench
