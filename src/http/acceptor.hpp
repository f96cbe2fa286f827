// SPDX-License-Identifier: Apache-2.0
#pragma once

// Accepts connections before CivetWeb, which gives each to a worker at once. Here a connection
// costs a descriptor until its request has arrived, and each has a deadline, so that clients who
// are silent, slow, or many keep no worker from others. One thread, which sleeps while nobody
// connects.

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "civetweb_hooks.hpp"
#include "connection_table.hpp"
#include "owned_descriptor.hpp"
#include "refused_lines.hpp"
#include "request_start.hpp"
#include "sockdiag/http/http_server.hpp"
#include "sockdiag/http/network.hpp"

namespace sockdiag {

class Acceptor {
 public:
  struct Options {
    ConnectionTable::Limits limits;
    std::vector<Network> allowed{};  // empty: every client
    bool tls = false;                // whether a connection begins with a TLS handshake
    // Called from the acceptor's thread; must not throw.
    std::function<void(Refused)> on_refused = [](Refused) {};
  };

  explicit Acceptor(Options options);
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;
  ~Acceptor();

  // Puts itself in the place of sockets that CivetWeb has bound. Throws ServeError or
  // std::bad_alloc.
  void take_place_of(const std::vector<int>& bound);

  // Listens on them, once. Throws ServeError; std::system_error if the thread cannot be created.
  void start();

  // Refuses connections from now on, and closes those that wait. Call it right before CivetWeb
  // stops, and destroy the object after it has stopped.
  void stop() noexcept;

  // Each worker of CivetWeb calls this when it starts.
  void mark_worker() const noexcept { sockdiag::mark_worker(on_end_); }

  // A worker calls this for the connection that it has. Safe from any thread, as client_of().
  void enter(int descriptor, Phase phase) noexcept;

  // Returns the address of a client, as it is counted.
  [[nodiscard]] std::optional<AddressBytes> client_of(int descriptor) const noexcept;

 private:
  using TimePoint = ConnectionTable::TimePoint;

  struct Listener {
    OwnedDescriptor socket;
    int signal = -1;            // an eventfd in the place of the socket; CivetWeb closes it
    std::vector<int> handed{};  // to accept() of CivetWeb, the first is the next
    std::unique_ptr<AcceptedElsewhere> hook{};
  };

  [[nodiscard]] int next_for_civetweb(std::size_t listener) noexcept;
  void remove(int descriptor) noexcept;
  void wake_civetweb() noexcept;

  void check_calls() const;

  // The thread, and what it calls.
  void run() noexcept;
  void handle(int descriptor) noexcept;
  void on_timer() noexcept;
  [[nodiscard]] bool accept_one(std::size_t listener) noexcept;
  [[nodiscard]] bool recover(int problem, std::size_t listener) noexcept;
  [[nodiscard]] int accept_with_reserve(std::size_t listener) noexcept;
  [[nodiscard]] bool close_one_that_waits() noexcept;
  void pause(int problem) noexcept;
  void poll_listeners_for(std::uint32_t events) noexcept;
  void admit(OwnedDescriptor socket, std::size_t listener, const AddressBytes& address) noexcept;
  void look(int descriptor) noexcept;
  void refuse(Refused why, const AddressBytes& client) noexcept;

  // The mutex is held while these are called.
  [[nodiscard]] bool make_place_for(const AddressBytes& address) noexcept;
  [[nodiscard]] bool has_arrived(int descriptor) noexcept;
  void close_silent(int descriptor) noexcept;
  void request_has_arrived(int descriptor) noexcept;
  void hand_over() noexcept;
  void end(const ConnectionTable::Overdue& overdue) noexcept;
  void arm(TimePoint deadline) noexcept;

  const Options options_;
  const std::function<void(int)> on_end_ = [this](int descriptor) { remove(descriptor); };
  const OwnedDescriptor poll_;
  const OwnedDescriptor timer_;
  const OwnedDescriptor stopping_;
  OwnedDescriptor reserve_;
  std::vector<Listener> listeners_;

  mutable std::mutex mutex_;
  ConnectionTable table_;
  TimePoint armed_ = TimePoint::max();  // when the timer expires
  bool stopped_ = false;

  // Of the thread alone.
  TimePoint resume_at_ = TimePoint::max();
  TimePoint next_line_{};  // about accept()
  RefusedLines lines_;
  std::array<char, kMaxRequestBytes> bytes_{};
  ssize_t peeked_ = 0;
  std::thread thread_;
};

}  // namespace sockdiag
