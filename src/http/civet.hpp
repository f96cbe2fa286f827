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

  // Starts a server that listens on `listeners` sockets, all of them among the descriptors below
  // `descriptors_end`. `user` is what mg_get_user_data() returns. Throws std::bad_alloc.
  CivetContext(const mg_callbacks& callbacks, void* user, const Settings& settings,
               std::size_t listeners, int descriptors_end);
  CivetContext(const CivetContext&) = delete;
  CivetContext& operator=(const CivetContext&) = delete;

  // Cuts off what is being sent, and joins all threads. CivetWeb cannot stop without the thread
  // that accepts connections: if that one could not be created, the others stay.
  ~CivetContext();

  [[nodiscard]] bool has_started() const noexcept { return context_ != nullptr; }
  // Returns the port of each listening socket, in the order in which they were configured.
  [[nodiscard]] const std::vector<mg_server_port>& ports() const noexcept { return ports_; }

 private:
  const int descriptors_end_;
  std::vector<mg_server_port> ports_;
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

// Looks among the descriptors below `end` for the socket on which the request came, for which
// CivetWeb has no accessor. Returns nothing unless exactly one has the peer and the local port of
// the request. The result is valid while the request is being answered. Safe from any thread.
[[nodiscard]] std::optional<int> find_accepted_socket(const mg_request_info& request,
                                                      int end) noexcept;

// Returns how many bytes of the client the kernel has received since the socket was connected, read
// or not (tcp_info, see include/uapi/linux/tcp.h). Returns nothing if the kernel does not say
// (before Linux 4.1, gVisor). Safe from any thread.
[[nodiscard]] std::optional<std::uint64_t> bytes_received(int socket) noexcept;

}  // namespace sockdiag
