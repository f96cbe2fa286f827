// SPDX-License-Identifier: Apache-2.0
#include "civet.hpp"

#include <dirent.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "sockdiag/http/http_server.hpp"

namespace sockdiag {
namespace {

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
                           std::size_t listeners)
    : ports_(listeners), bound_(listeners) {
  std::vector<const char*> flat;
  for (const auto& [name, value] : settings) flat.insert(flat.end(), {name, value.c_str()});
  flat.push_back(nullptr);
  context_ = ::mg_start(&callbacks, user, flat.data());
  bound_.let_go();
  if (context_ == nullptr) return;
  ::mg_get_server_ports(context_, static_cast<int>(listeners), ports_.data());
}

bool CivetContext::has(const Settings& settings) const noexcept {
  return std::all_of(settings.begin(), settings.end(), [&](const auto& setting) {
    const char* const value = ::mg_get_option(context_, setting.first);
    return value != nullptr && setting.second == value;
  });
}

CivetContext::~CivetContext() { ::mg_stop(context_); }

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

int socket_of(const mg_request_info& request) noexcept {
  return descriptor_of(request.remote_addr);
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
