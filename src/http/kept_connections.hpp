// SPDX-License-Identifier: Apache-2.0
#pragma once

// Keeps connections open for a further request. Each holds one of CivetWeb's workers while it is
// idle, so a quarter of the workers at most may be held. When few workers are free, the connection
// that has been idle longest is released. CivetWeb itself waits only for the rest of a request that
// has begun. Safe from any thread.

#include <chrono>
#include <cstdint>
#include <mutex>
#include <vector>

struct mg_request_info;

namespace sockdiag {

class KeptConnections {
 public:
  // State of a connection from its begin to its end. Only its worker uses it.
  struct Connection {
    int socket = -1;
    bool has_seat = false;            // one of those for kept connections
    std::uint64_t request_bytes = 0;  // of all its requests so far
  };

  KeptConnections(unsigned workers, std::chrono::milliseconds idle_timeout);

  // A worker calls begin() when it takes a connection, and end() when it closes it.
  void begin() noexcept;
  void end(const Connection& connection) noexcept;

  // Returns true if the connection can be kept after this request: the client wants it, there is a
  // seat, and the kernel has received no byte after the head of the request. So a body is never
  // read as a request.
  [[nodiscard]] bool may_keep(Connection& connection, const mg_request_info& request) noexcept;

  // Waits until the next request begins or the client closes. Returns false if the server has to
  // close the connection.
  [[nodiscard]] bool await_request(const Connection& connection) noexcept;

  // Releases all connections, and keeps none from now on.
  void release_all() noexcept;

 private:
  [[nodiscard]] bool take_seat(Connection& connection) noexcept;
  [[nodiscard]] bool workers_run_short() const noexcept;
  void release_oldest() noexcept;

  const unsigned workers_;
  const std::chrono::milliseconds idle_timeout_;
  std::mutex mutex_;
  bool released_ = false;
  unsigned busy_ = 0;   // workers that have a connection
  unsigned seats_ = 0;  // connections that are kept
  // Sockets that wait for a request, the longest first. Each stays open while it is in here.
  std::vector<int> idle_;
};

}  // namespace sockdiag
