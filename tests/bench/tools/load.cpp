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
#include <string>

#include "child_process.hpp"
#include "error.hpp"
#include "load_socket.hpp"
#include "moving_load.hpp"
#include "proc.hpp"

namespace sockdiag::bench {
namespace {

constexpr std::size_t kMaxItemsPerChild = 9000;
constexpr std::size_t kFilesBesidesLoad = 100;
constexpr std::uint32_t kFirstSourceAddress = 0x7f010001;       // 127.1.0.1
constexpr std::uint32_t kFirstListenerAddress = 0x7f020001;     // 127.2.0.1
constexpr std::uint32_t kFirstDestinationAddress = 0x7f100000;  // 127.16.0.0
constexpr unsigned kFirstListenerPort = 10'000;
constexpr unsigned kListenerPorts = 10'000;
constexpr std::chrono::minutes kDeadline{5};

constexpr Profile kProfiles[] = {
    {"established", 200'000, 2, false},  {"close_wait", 200'000, 2, false},
    {"time_wait", 131'072, 1, true},     {"listeners", 5'000, 1, false},
    {"destinations", 200'000, 2, false}, {"syn_flood", 50'000, 1, false},
    {"churn", 100'000, 2, true},
};

// What one child holds: consecutive connections or listeners of the whole load.
struct Share {
  std::string_view profile;
  std::uint32_t source_address;
  std::size_t begin;
  std::size_t end;
};

Endpoint destination_of(std::string_view profile, std::size_t connection) {
  const Endpoint server = server_endpoint(connection);
  if (profile != "destinations") return server;
  return {kFirstDestinationAddress + static_cast<std::uint32_t>(connection), server.port};
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
    if (share.profile == "close_wait") checked(::shutdown(client, SHUT_WR), "shut down");
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

std::size_t items_per_child() {
  return std::min(kMaxItemsPerChild, (raise_file_limit() - kFilesBesidesLoad) / 2);
}

bool is_readable(int fd, int timeout_ms) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, timeout_ms) > 0;
}

}  // namespace

const Profile& profile_named(std::string_view name) {
  for (const Profile& profile : kProfiles) {
    if (profile.name == name) return profile;
  }
  throw std::invalid_argument("unknown profile " + std::string(name));
}

Load::Load(const Profile& profile, std::size_t sockets)
    : profile_(profile), items_(sockets / profile.sockets_per_item) {
  require_room_for(sockets);
  int ends[2];
  checked(::pipe2(ends, O_CLOEXEC), "pipe");
  ready_reader_ = FileDescriptor(ends[0]);
  ready_writer_ = FileDescriptor(ends[1]);
  for (unsigned i = 0; i < kServerPorts; ++i) {
    servers_.push_back(listen_at({INADDR_ANY, kFirstServerPort + i}));
  }
  make();
  await_ready();
  if (profile_.name != "churn") return;
  // Now that nobody else connects: it would accept, and reset, what is to be held.
  add_child([this](const auto& ready) { churn(servers_, ready); });
  await_ready();
}

Load::~Load() { kill_and_reap(children_); }

void Load::make() {
  if (profile_.name == "syn_flood") {
    flood_.emplace(servers_.front(), kFirstServerPort).make(items_);
  } else if (profile_.name == "time_wait") {
    add_child([this](const auto& ready) { keep_time_wait(servers_, items_, ready); });
  } else {
    add_holders();
  }
}

void Load::add_child(const Body& body) {
  const auto report_ready = [this] {
    checked(::write(ready_writer_.get(), "r", 1), "report a finished load");
  };
  children_.push_back(fork_child([&]() -> int {
    body(report_ready);
    for (;;) ::pause();
  }));
}

void Load::add_holders() {
  const std::size_t per_child = items_per_child();
  for (std::size_t begin = 0; begin < items_; begin += per_child) {
    const auto source = kFirstSourceAddress + static_cast<std::uint32_t>(children_.size());
    const Share share{profile_.name, source, begin, std::min(begin + per_child, items_)};
    add_child([&](const auto& report_ready) {
      // Never left: the kernel closes what is held when the process is ended.
      const auto held =
          share.profile == "listeners" ? make_listeners(share) : make_connections(servers_, share);
      report_ready();
      for (;;) ::pause();
    });
  }
}

void Load::await_ready() {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (ready_ < children_.size()) {
    char byte = 0;
    if (is_readable(ready_reader_.get(), 200) && ::read(ready_reader_.get(), &byte, 1) == 1)
      ++ready_;
    else
      require_alive();
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("load: too slow");
  }
}

void Load::require_alive() const {
  for (const pid_t pid : children_) {
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT);
    if (info.si_pid != 0) throw std::runtime_error("a load process ended early");
  }
}

}  // namespace sockdiag::bench
