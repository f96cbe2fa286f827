// SPDX-License-Identifier: Apache-2.0
#include "load.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <stdexcept>

#include "child_process.hpp"
#include "error.hpp"
#include "host.hpp"

namespace sockdiag::bench {
namespace {

constexpr std::size_t kMaxConnectionsPerChild = 9000;
constexpr std::size_t kFilesBesidesLoad = 100;
constexpr std::uint32_t kFirstSourceAddress = 0x7f010001;  // 127.1.0.1
constexpr std::chrono::minutes kBuildDeadline{5};

sockaddr_in address_of(std::uint32_t address, unsigned port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_addr.s_addr = htonl(address);
  result.sin_port = htons(static_cast<std::uint16_t>(port));
  return result;
}

const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

template <typename Value>
void set_option(int fd, int level, int option, const Value& value) {
  checked(::setsockopt(fd, level, option, &value, sizeof value), "setsockopt");
}

int open_socket() {
  const int fd = checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "open a load socket");
  set_option(fd, SOL_SOCKET, SO_LINGER, linger{1, 0});  // accepted sockets inherit it
  return fd;
}

FileDescriptor listen_on(unsigned port) {
  FileDescriptor fd(open_socket());
  const sockaddr_in address = address_of(INADDR_ANY, port);
  checked(::bind(fd.get(), generic(address), sizeof address), "bind a load listener");
  checked(::listen(fd.get(), SOMAXCONN), "listen");
  return fd;
}

int connect_from(std::uint32_t source_address, unsigned port) {
  const int fd = open_socket();
  // The local port is chosen by connect(), where it must only differ within one destination.
  set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
  const sockaddr_in source = address_of(source_address, 0);
  const sockaddr_in server = address_of(INADDR_LOOPBACK, port);
  checked(::bind(fd, generic(source), sizeof source), "bind a load client");
  checked(::connect(fd, generic(server), sizeof server), "connect a load client");
  return fd;
}

// The descriptors stay open for as long as the child lives.
void hold_connection(int listener, std::uint32_t source_address, unsigned port, bool half_closed) {
  const int client = connect_from(source_address, port);
  checked(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC), "accept a load connection");
  if (half_closed) checked(::shutdown(client, SHUT_WR), "shut a load client down");
}

void hold_connections(const std::vector<FileDescriptor>& listeners, std::uint32_t source_address,
                      std::size_t connections, LoadProfile profile) {
  for (std::size_t i = 0; i < connections; ++i) {
    const std::size_t server = i % listeners.size();
    const unsigned port = Load::kFirstServerPort + static_cast<unsigned>(server);
    // Half of each port's connections, not all connections of half of the ports.
    const bool half_closed = profile == LoadProfile::close_wait && (i / listeners.size()) % 2 == 1;
    hold_connection(listeners[server].get(), source_address, port, half_closed);
  }
}

[[noreturn]] void report_ready_and_hold(int ready_fd) {
  checked(::write(ready_fd, "r", 1), "report a finished load");
  for (;;) ::pause();
}

std::size_t connections_per_child() {
  return std::min(kMaxConnectionsPerChild, (raise_file_limit() - kFilesBesidesLoad) / 2);
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

Load::Load(LoadProfile profile) : profile_(profile) {
  for (unsigned i = 0; i < kServerPorts; ++i) listeners_.push_back(listen_on(kFirstServerPort + i));
}

Load::~Load() {
  for (const pid_t pid : children_) kill_and_reap(pid);
}

void Load::add_child(std::size_t connections, int ready_fd) {
  const auto source = kFirstSourceAddress + static_cast<std::uint32_t>(children_.size());
  children_.push_back(fork_child([&] {
    hold_connections(listeners_, source, connections, profile_);
    report_ready_and_hold(ready_fd);
    return 0;
  }));
  connections_ += connections;
}

void Load::grow_to(std::size_t sockets) {
  require_room_for(sockets - std::min(sockets, connected_sockets()));
  int ends[2];
  checked(::pipe2(ends, O_CLOEXEC), "pipe");
  const FileDescriptor reader(ends[0]);
  const FileDescriptor writer(ends[1]);
  const std::size_t share = connections_per_child();
  std::size_t added = 0;
  for (; connected_sockets() + 1 < sockets; ++added) {
    add_child(std::min(share, sockets / 2 - connections_), writer.get());
  }
  await_ready(reader.get(), added, children_);
}

}  // namespace sockdiag::bench
