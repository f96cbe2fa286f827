// SPDX-License-Identifier: Apache-2.0
#include "http/kept_connections.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

// A connection and its client. It has a seat.
class Pair {
 public:
  Pair() {
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends_.data()) ==
            0);
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() {
    for (const int end : ends_) ::close(end);
  }

  [[nodiscard]] KeptConnections::Connection connection() const {
    return {.socket = ends_[0], .has_seat = true};
  }
  void send() const { REQUIRE(::send(ends_[1], "x", 1, MSG_NOSIGNAL) == 1); }
  // Takes one byte of the client's; false where it reads the end instead.
  [[nodiscard]] bool receives() const {
    char byte = 0;
    return ::recv(ends_[0], &byte, 1, 0) == 1;
  }

 private:
  std::array<int, 2> ends_{};
};

constexpr unsigned kWorkers = 8;

KeptConnections kept_connections() { return {kWorkers, std::chrono::hours(1)}; }

}  // namespace

TEST_CASE("A socket is let go of only while it waits: its number may be another one's later") {
  KeptConnections kept = kept_connections();
  const Pair pair;
  kept.begin();
  pair.send();
  CHECK(kept.await_request(pair.connection()));
  CHECK(pair.receives());
  for (unsigned worker = 1; worker < kWorkers; ++worker) kept.begin();
  kept.release_all();
  pair.send();
  CHECK(pair.receives());
}

TEST_CASE("No connection waits for a request where workers run short, or all were let go") {
  KeptConnections kept = kept_connections();
  const Pair pair;
  for (unsigned worker = 0; worker < kWorkers; ++worker) kept.begin();
  CHECK_FALSE(kept.await_request(pair.connection()));
  for (unsigned worker = 0; worker < kWorkers; ++worker) kept.end({});
  kept.release_all();
  CHECK_FALSE(kept.await_request(pair.connection()));
}

}  // namespace sockdiag::test
