// SPDX-License-Identifier: Apache-2.0
#include "load.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string_view>

#include "child_process.hpp"
#include "error.hpp"
#include "host.hpp"
#include "load_socket.hpp"

namespace sockdiag::bench {
namespace {

constexpr std::size_t kMaxItemsPerChild = 9000;
constexpr std::size_t kFilesBesidesLoad = 100;
constexpr std::uint32_t kFirstSourceAddress = 0x7f010001;       // 127.1.0.1
constexpr std::uint32_t kFirstListenerAddress = 0x7f020001;     // 127.2.0.1
constexpr std::uint32_t kFirstDestinationAddress = 0x7f100000;  // 127.16.0.0
constexpr unsigned kFirstListenerPort = 10'000;
constexpr unsigned kListenerPorts = 10'000;
constexpr std::chrono::minutes kBuildDeadline{5};

struct ProfileRow {
  std::string_view name;
  LoadProfile profile;
  std::size_t sockets_per_item;
};

constexpr ProfileRow kProfiles[] = {
    {"established", LoadProfile::established, 2},
    {"close_wait", LoadProfile::close_wait, 2},
    {"leak", LoadProfile::leak, 2},
    {"listeners", LoadProfile::listeners, 1},
    {"destinations", LoadProfile::destinations, 2},
    {"syn_flood", LoadProfile::syn_flood, 1},
};

std::size_t sockets_per_item(LoadProfile profile) {
  return std::find_if(std::begin(kProfiles), std::end(kProfiles),
                      [&](const ProfileRow& row) { return row.profile == profile; })
      ->sockets_per_item;
}

// What one child holds: consecutive connections or listeners of the whole load.
struct Share {
  LoadProfile profile;
  std::uint32_t source_address;
  std::size_t begin;
  std::size_t end;
};

bool is_half_closed(LoadProfile profile, std::size_t connection) {
  // Half of each port's connections, not all connections of half of the ports.
  const bool second_half = (connection / Load::kServerPorts) % 2 == 1;
  return profile == LoadProfile::leak || (profile == LoadProfile::close_wait && second_half);
}

Endpoint destination_of(LoadProfile profile, std::size_t connection) {
  const unsigned port =
      Load::kFirstServerPort + static_cast<unsigned>(connection % Load::kServerPorts);
  if (profile != LoadProfile::destinations) return {INADDR_LOOPBACK, port};
  return {kFirstDestinationAddress + static_cast<std::uint32_t>(connection), port};
}

Endpoint listener_endpoint(std::size_t listener) {
  return {kFirstListenerAddress + static_cast<std::uint32_t>(listener / kListenerPorts),
          kFirstListenerPort + static_cast<unsigned>(listener % kListenerPorts)};
}

std::vector<FileDescriptor> make_connections(const std::vector<FileDescriptor>& servers,
                                             const Share& share) {
  std::vector<FileDescriptor> held;
  for (std::size_t i = share.begin; i < share.end; ++i) {
    held.push_back(connect_from(share.source_address, destination_of(share.profile, i)));
    const int client = held.back().get();
    held.push_back(accept_from(servers[i % servers.size()]));
    if (is_half_closed(share.profile, i)) {
      checked(::shutdown(client, SHUT_WR), "shut a load client down");
    }
  }
  return held;
}

std::vector<FileDescriptor> make_listeners(const Share& share) {
  std::vector<FileDescriptor> held;
  for (std::size_t i = share.begin; i < share.end; ++i) {
    held.push_back(listen_at(listener_endpoint(i)));
  }
  return held;
}

[[noreturn]] void report_ready_and_hold(int ready_fd) {
  checked(::write(ready_fd, "r", 1), "report a finished load");
  for (;;) ::pause();
}

std::size_t items_per_child() {
  return std::min(kMaxItemsPerChild, (raise_file_limit() - kFilesBesidesLoad) / 2);
}

void require_alive(const std::vector<pid_t>& children) {
  for (const pid_t pid : children) {
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT);
    if (info.si_pid != 0) throw std::runtime_error("a load process ended early");
  }
}

void await_ready(int ready_fd, std::size_t expected, const std::vector<pid_t>& children) {
  const auto deadline = std::chrono::steady_clock::now() + kBuildDeadline;
  std::size_t ready = 0;
  while (ready < expected) {
    pollfd entry{ready_fd, POLLIN, 0};
    char byte = 0;
    if (::poll(&entry, 1, 200) > 0 && ::read(ready_fd, &byte, 1) == 1)
      ++ready;
    else
      require_alive(children);
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("load: too slow");
  }
}

}  // namespace

LoadProfile load_profile(const std::string& name) {
  for (const ProfileRow& row : kProfiles) {
    if (row.name == name) return row.profile;
  }
  throw std::invalid_argument("unknown profile " + name);
}

Load::Load(LoadProfile profile) : profile_(profile) {
  for (unsigned i = 0; i < kServerPorts; ++i) {
    servers_.push_back(listen_at({INADDR_ANY, kFirstServerPort + i}));
  }
  if (profile == LoadProfile::syn_flood) flood_.emplace(servers_.front(), kFirstServerPort);
}

Load::~Load() {
  for (const pid_t pid : children_) kill_and_reap(pid);
}

std::size_t Load::sockets() const noexcept { return items_ * sockets_per_item(profile_); }

std::size_t Load::half_open() const noexcept { return flood_ ? items_ : 0; }

void Load::add_child(std::size_t items, int ready_fd) {
  const auto source = kFirstSourceAddress + static_cast<std::uint32_t>(children_.size());
  const Share share{profile_, source, items_, items_ + items};
  children_.push_back(fork_child([&]() -> int {
    const auto held = profile_ == LoadProfile::listeners ? make_listeners(share)
                                                         : make_connections(servers_, share);
    report_ready_and_hold(ready_fd);
  }));
  items_ += items;
}

void Load::add_children(std::size_t items) {
  int ends[2];
  checked(::pipe2(ends, O_CLOEXEC), "pipe");
  const FileDescriptor reader(ends[0]);
  const FileDescriptor writer(ends[1]);
  const std::size_t per_child = items_per_child();
  const std::size_t begin = children_.size();
  for (std::size_t added = 0; added < items; added += std::min(per_child, items - added)) {
    add_child(std::min(per_child, items - added), writer.get());
  }
  await_ready(reader.get(), children_.size() - begin, children_);
}

void Load::grow_to(std::size_t sockets) {
  const std::size_t added = sockets - std::min(sockets, this->sockets());
  require_room_for(added);
  const std::size_t items = added / sockets_per_item(profile_);
  if (!flood_) return add_children(items);
  flood_->grow_to(items_ + items);
  items_ += items;
}

}  // namespace sockdiag::bench
