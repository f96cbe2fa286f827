// SPDX-License-Identifier: Apache-2.0
#pragma once

// CivetWeb as a library, one server of it, the server's threads, and the sockets below it.

#include <civetweb.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "civetweb_hooks.hpp"

namespace sockdiag {

// CivetWeb counts how many users it has.
struct CivetLibrary {
  CivetLibrary() noexcept { ::mg_init_library(0); }
  CivetLibrary(const CivetLibrary&) = delete;
  CivetLibrary& operator=(const CivetLibrary&) = delete;
  ~CivetLibrary() { ::mg_exit_library(); }
};

class CivetContext {
 public:
  using Settings = std::vector<std::pair<const char*, std::string>>;

  // Starts a server that binds `listeners` sockets and does not listen on them. `user` is what
  // mg_get_user_data() returns. Throws std::bad_alloc.
  CivetContext(const mg_callbacks& callbacks, void* user, const Settings& settings,
               std::size_t listeners);
  CivetContext(const CivetContext&) = delete;
  CivetContext& operator=(const CivetContext&) = delete;

  // Cuts off what is being sent, and joins all threads. CivetWeb cannot stop without the thread
  // that accepts connections: if that one could not be created, the others stay.
  ~CivetContext();

  [[nodiscard]] bool has_started() const noexcept { return context_ != nullptr; }
  // CivetWeb takes its default for a setting that it has no memory to copy.
  [[nodiscard]] bool has(const Settings& settings) const noexcept;
  // Return the port and the descriptor of each socket, in the order in which they were configured.
  [[nodiscard]] const std::vector<mg_server_port>& ports() const noexcept { return ports_; }
  [[nodiscard]] const std::vector<int>& bound() const noexcept { return bound_.descriptors(); }

 private:
  std::vector<mg_server_port> ports_;
  HeldListeners bound_;
  mg_context* context_ = nullptr;
};

// Finds out whether all threads of CivetWeb have started. CivetWeb goes on without those that it
// could not create, and then leaves requests unanswered.
class CivetThreads {
 public:
  // Notes the threads of the process. Make it before CivetWeb starts.
  explicit CivetThreads(unsigned workers);

  // A thread of CivetWeb calls this when it starts.
  void count_one() noexcept;

  // Waits until the workers and the thread that accepts connections have started. Throws ServeError
  // when all threads that exist have started and some are missing, or after ten seconds. Throws
  // std::bad_alloc.
  void await_all();

 private:
  [[nodiscard]] bool more_can_start() const;

  const unsigned needed_;
  const std::vector<std::string> others_;  // names in /proc/self/task; empty if unreadable
  std::mutex mutex_;
  std::condition_variable started_;
  unsigned count_ = 0;
};

// Returns the socket on which the request came. The result is valid while the request is being
// answered. Safe from any thread.
[[nodiscard]] int socket_of(const mg_request_info& request) noexcept;

// Returns how many bytes of the client the kernel has received since the socket was connected, read
// or not (tcp_info, see include/uapi/linux/tcp.h). Returns nothing if the kernel does not say
// (before Linux 4.1, gVisor). Safe from any thread.
[[nodiscard]] std::optional<std::uint64_t> bytes_received(int socket) noexcept;

}  // namespace sockdiag
