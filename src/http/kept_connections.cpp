// SPDX-License-Identifier: Apache-2.0
#include "kept_connections.hpp"

#include <poll.h>
#include <strings.h>
#include <sys/socket.h>

#include <cstring>
#include <optional>
#include <string_view>

#include "civet.hpp"

namespace sockdiag {
namespace {

constexpr unsigned kWorkersPerSeat = 4;
// Idle connections are released if fewer than this part of the workers are free.
constexpr unsigned kWorkersPerFree = 8;

bool is(const char* text, const char* expected) noexcept {
  return ::strcasecmp(text, expected) == 0;
}

// Returns true if the client wants to keep the connection: by default HTTP/1.1 keeps and HTTP/1.0
// closes (RFC 9112, section 9.3). CivetWeb reads the first Connection line only, so a second line,
// or another word than keep-alive, closes.
bool wants_to_be_kept(const mg_request_info& request) noexcept {
  std::optional<bool> said;
  for (int i = 0; i < request.num_headers; ++i) {
    const mg_header& header = request.http_headers[i];
    if (is(header.name, "Content-Length") || is(header.name, "Transfer-Encoding")) return false;
    if (!is(header.name, "Connection")) continue;
    said = !said && is(header.value, "keep-alive");
  }
  return said.value_or(std::string_view(request.http_version) == "1.1");
}

// Returns the length of the request's head. CivetWeb's names and values point into the bytes that
// came. If it stopped early, at a folded line or after MG_MAX_HEADERS, the length is too small.
std::uint64_t head_bytes(const mg_request_info& request) noexcept {
  if (request.num_headers < 1) return 0;
  const char* last = request.http_headers[request.num_headers - 1].value;
  constexpr std::string_view kEnd = "\r\n\r\n";
  const auto length = last + std::strlen(last) - request.request_method;
  return static_cast<std::uint64_t>(length) + kEnd.size();
}

}  // namespace

KeptConnections::KeptConnections(unsigned workers, std::chrono::milliseconds idle_timeout)
    : workers_(workers), idle_timeout_(idle_timeout) {
  idle_.reserve(workers / kWorkersPerSeat);
}

void KeptConnections::begin() noexcept {
  const std::lock_guard lock(mutex_);
  ++busy_;
  if (workers_run_short()) release_oldest();
}

void KeptConnections::end(const Connection& connection) noexcept {
  const std::lock_guard lock(mutex_);
  --busy_;
  if (connection.has_seat) --seats_;
}

bool KeptConnections::may_keep(Connection& connection, const mg_request_info& request) noexcept {
  connection.request_bytes += head_bytes(request);
  return wants_to_be_kept(request) && take_seat(connection) &&
         bytes_received(connection.socket) == connection.request_bytes;
}

bool KeptConnections::await_request(const Connection& connection) noexcept {
  const int socket = connection.socket;
  {
    const std::lock_guard lock(mutex_);
    if (released_ || workers_run_short()) return false;
    idle_.push_back(socket);  // reserved: there is room for each seat
  }
  pollfd poll{.fd = socket, .events = POLLIN | POLLRDHUP, .revents = 0};
  const bool ready = ::poll(&poll, 1, static_cast<int>(idle_timeout_.count())) > 0;
  const std::lock_guard lock(mutex_);
  std::erase(idle_, socket);
  return ready;
}

void KeptConnections::release_all() noexcept {
  const std::lock_guard lock(mutex_);
  released_ = true;
  while (!idle_.empty()) release_oldest();
}

bool KeptConnections::take_seat(Connection& connection) noexcept {
  if (connection.has_seat) return true;
  const std::lock_guard lock(mutex_);
  if (seats_ >= workers_ / kWorkersPerSeat || workers_run_short()) return false;
  ++seats_;
  connection.has_seat = true;
  return true;
}

bool KeptConnections::workers_run_short() const noexcept {
  return busy_ + workers_ / kWorkersPerFree >= workers_;
}

// The worker of the connection then reads an end, as if the client had closed, and closes.
void KeptConnections::release_oldest() noexcept {
  if (idle_.empty()) return;
  ::shutdown(idle_.front(), SHUT_RD);
  idle_.erase(idle_.begin());
}

}  // namespace sockdiag
