// SPDX-License-Identifier: Apache-2.0
#include "civet.hpp"

#include <dirent.h>
#include <linux/tcp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>
#include <string_view>

#include "sockdiag/http/http_server.hpp"

namespace sockdiag {
namespace {

using Name = int (*)(int, sockaddr*, socklen_t*);

struct Endpoint {
  std::array<char, NI_MAXHOST> host{};
  int port = 0;
};

// Returns the address as CivetWeb writes it, or nothing if the descriptor has none.
std::optional<Endpoint> endpoint_of(int descriptor, Name name) noexcept {
  sockaddr_storage storage{};
  auto* const address = reinterpret_cast<sockaddr*>(&storage);
  socklen_t length = sizeof storage;
  if (name(descriptor, address, &length) != 0) return std::nullopt;
  Endpoint endpoint;
  std::array<char, NI_MAXSERV> port{};
  if (::getnameinfo(address, length, endpoint.host.data(), endpoint.host.size(), port.data(),
                    port.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return std::nullopt;
  }
  std::from_chars(port.data(), port.data() + std::strlen(port.data()), endpoint.port);
  return endpoint;
}

bool belongs_to(int descriptor, const mg_request_info& request) noexcept {
  const auto peer = endpoint_of(descriptor, ::getpeername);
  if (!peer || peer->port != request.remote_port) return false;
  if (std::string_view(peer->host.data()) != request.remote_addr) return false;
  const auto local = endpoint_of(descriptor, ::getsockname);
  return local && local->port == request.server_port;
}

bool listens_on(int descriptor, int port) noexcept {
  int listens = 0;
  socklen_t length = sizeof listens;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) != 0) return false;
  if (listens == 0) return false;
  const auto local = endpoint_of(descriptor, ::getsockname);
  return local && local->port == port;
}

// Makes the sockets of this process that listen on the port, below descriptor `end`, refuse
// connections. Whoever polls them wakes at once.
void stop_listening(int port, int end) noexcept {
  for (int descriptor = 0; descriptor < end; ++descriptor) {
    if (listens_on(descriptor, port)) ::shutdown(descriptor, SHUT_RD);
  }
}

constexpr unsigned kAccepting = 1;  // threads that accept connections
constexpr std::chrono::seconds kLimit(10);
constexpr std::chrono::milliseconds kBetweenLooks(10);

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

// Returns the threads of the process, or nothing if /proc cannot be read. Does not use
// std::filesystem, which ends the process when there is no memory.
std::vector<std::string> threads() {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir("/proc/self/task"));
  if (directory == nullptr) return names;
  while (const dirent* entry = ::readdir(directory.get())) names.emplace_back(entry->d_name);
  return names;
}

}  // namespace

CivetContext::CivetContext(const mg_callbacks& callbacks, void* user, const Settings& settings,
                           std::size_t listeners, int descriptors_end)
    : descriptors_end_(descriptors_end), ports_(listeners) {
  std::vector<const char*> flat;
  for (const auto& [name, value] : settings) flat.insert(flat.end(), {name, value.c_str()});
  flat.push_back(nullptr);
  context_ = ::mg_start(&callbacks, user, flat.data());
  if (context_ == nullptr) return;
  ::mg_get_server_ports(context_, static_cast<int>(listeners), ports_.data());
}

CivetContext::~CivetContext() {
  for (const mg_server_port& port : ports_) stop_listening(port.port, descriptors_end_);
  ::mg_stop(context_);
}

CivetThreads::CivetThreads(unsigned workers) : needed_(workers + kAccepting), others_(threads()) {}

void CivetThreads::count_one() noexcept {
  const std::lock_guard lock(mutex_);
  ++count_;
  started_.notify_all();
}

void CivetThreads::await_all() {
  const auto deadline = std::chrono::steady_clock::now() + kLimit;
  std::unique_lock lock(mutex_);
  while (!started_.wait_for(lock, kBetweenLooks, [this] { return count_ >= needed_; })) {
    if (more_can_start() && std::chrono::steady_clock::now() < deadline) continue;
    throw ServeError("cannot start " + std::to_string(needed_) + " threads for " +
                     std::to_string(needed_ - kAccepting) + " workers: only " +
                     std::to_string(count_) + " started; too little memory or too few tasks");
  }
}

// CivetWeb has created all threads that it could, so none starts after each of them was counted.
bool CivetThreads::more_can_start() const {
  const std::vector<std::string> all = threads();
  if (others_.empty() || all.empty()) return true;
  return std::cmp_less(count_, std::ranges::count_if(all, [this](const auto& name) {
                         return std::ranges::find(others_, name) == others_.end();
                       }));
}

std::optional<int> find_accepted_socket(const mg_request_info& request, int end) noexcept {
  std::optional<int> found;
  for (int descriptor = 0; descriptor < end; ++descriptor) {
    if (!belongs_to(descriptor, request)) continue;
    if (found) return std::nullopt;  // a client port that faces two of our addresses
    found = descriptor;
  }
  return found;
}

std::optional<std::uint64_t> bytes_received(int socket) noexcept {
  tcp_info info{};
  socklen_t length = sizeof info;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return std::nullopt;
  constexpr std::size_t kNeeded =
      offsetof(tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received;
  if (length < kNeeded) return std::nullopt;
  return info.tcpi_bytes_received;
}

}  // namespace sockdiag
