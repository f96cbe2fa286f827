// SPDX-License-Identifier: Apache-2.0
#pragma once

// Connections that stay open for a further request. Each holds one of CivetWeb's workers while it
// is idle, so at most a quarter of the workers may be held, and when workers run short those that
// have been idle longest are let go. CivetWeb itself does not wait for the next request but for the
// bytes of one that has begun. Safe from any thread.

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

struct mg_request_info;

namespace sockdiag {

class KeptConnections {
 public:
  // A connection from its begin to its end. Its worker alone uses it.
  struct Connection {
    std::optional<int> socket;  // set where it has a seat among those that are kept
    std::uint64_t request_bytes = 0;
  };

  // Sockets are looked for among the descriptors below `descriptors_end`.
  KeptConnections(unsigned workers, std::chrono::milliseconds idle_timeout, int descriptors_end);

  // A worker has taken a connection.
  void begin() noexcept;
  void end(const Connection& connection) noexcept;

  // Whether the connection can be kept after this request: the client wants it, and there is a
  // seat. The request has to end with its head, and nothing may have come after it: what hides in
  // a body is never taken for a request.
  [[nodiscard]] bool may_keep(Connection& connection, const mg_request_info& request) noexcept;

  // Waits for the next request, or the client's end. Returns false if it is to be closed.
  [[nodiscard]] bool await_request(const Connection& connection) noexcept;

  // Lets all of them go, and keeps none from now on.
  void release_all() noexcept;

 private:
  [[nodiscard]] bool take_seat(Connection& connection, const mg_request_info& request) noexcept;
  [[nodiscard]] bool workers_run_short() const noexcept;
  void release_oldest() noexcept;

  const unsigned workers_;
  const std::chrono::milliseconds idle_timeout_;
  const int descriptors_end_;
  std::mutex mutex_;
  bool released_ = false;
  unsigned busy_ = 0;   // workers that have a connection
  unsigned seats_ = 0;  // connections that are kept
  // Sockets that wait for a request, those that have waited longest first. Each is open for as long
  // as it is here.
  std::vector<int> idle_;
};

}  // namespace sockdiag
