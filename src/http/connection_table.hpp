// SPDX-License-Identifier: Apache-2.0
#pragma once

// The connections of a server, from accept() to their end, and who may have how many. Decides and
// does nothing: it opens, closes and reads no descriptor. Not safe from two threads at a time.

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "sockdiag/http/network.hpp"

namespace sockdiag {

// What a connection is doing. `silent` and `ready` ones have no worker.
enum class Phase {
  silent,   // its request has not arrived
  ready,    // its request has arrived
  reading,  // its worker reads the request
  working,  // the answer is being made
  writing,  // the client takes the answer
  idle,     // kept for a further request
};

class ConnectionTable {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Limits {
    unsigned workers = 64;
    unsigned per_client = 16;                 // connections of one client
    std::size_t waiting = 512;                // silent and ready ones of all clients
    std::chrono::milliseconds timeout{1000};  // in phases in which the client is to do something
  };

  // What has to happen so that one more connection of a client fits in.
  struct Admission {
    bool admitted = false;
    std::optional<int> close{};    // this one, which has no worker; it has been removed
    std::optional<int> release{};  // this one, which was idle; it has entered `reading`
  };

  struct Connection {
    int descriptor = -1;
    std::size_t listener = 0;
  };

  explicit ConnectionTable(const Limits& limits);

  // A client at its limit loses the one of its connections that has been silent, or else idle,
  // longest. So who sends a request at once is served beside others of the same address. When too
  // many wait, the client with most connections loses one that waits.
  [[nodiscard]] Admission admit(const AddressBytes& client, TimePoint now) noexcept;

  // Removes a connection that waits, so that its descriptor can be closed: of the client that has
  // most connections, preferably one that has been silent longest.
  [[nodiscard]] std::optional<int> make_room() noexcept;

  // Adds a silent connection. Throws std::bad_alloc; then nothing has changed.
  void add(const Connection& connection, const AddressBytes& client, TimePoint now);

  // Removes it. Does nothing if it is not there, as enter().
  void remove(int descriptor) noexcept;

  void enter(int descriptor, Phase phase, TimePoint now) noexcept;

  // Returns nothing if it is not there.
  [[nodiscard]] std::optional<Phase> phase_of(int descriptor) const noexcept;
  [[nodiscard]] std::optional<AddressBytes> client_of(int descriptor) const noexcept;

  // Chooses a ready connection for a free worker, the one of the client with fewest requests in
  // flight that has been here longest, and lets it enter `reading`. Clients with a request in
  // flight leave a quarter of the workers to others.
  [[nodiscard]] std::optional<Connection> hand_over(TimePoint now) noexcept;

  // Chooses an idle connection in favour of a ready one that has no worker, and lets it enter
  // `reading`: of the same client, or of any if the client has no request in flight.
  [[nodiscard]] std::optional<int> release_for_ready(TimePoint now) noexcept;

  // Returns a connection whose time is up. It has no further deadline in this phase.
  struct Overdue {
    int descriptor;
    Phase phase;
  };
  [[nodiscard]] std::optional<Overdue> next_overdue(TimePoint now) noexcept;

  // Returns TimePoint::max() if no connection has a deadline.
  [[nodiscard]] TimePoint first_deadline() const noexcept;

  [[nodiscard]] std::size_t waiting() const noexcept { return entries_.size() - with_worker_; }

 private:
  struct Client {
    unsigned connections = 0;
    unsigned in_flight = 0;
  };
  using Clients = std::map<AddressBytes, Client>;
  struct Entry {
    Connection connection;
    Clients::iterator client;
    Phase phase = Phase::silent;
    TimePoint deadline = TimePoint::max();
  };
  using Entries = std::vector<Entry>;

  [[nodiscard]] Entries::iterator find(int descriptor) noexcept;
  [[nodiscard]] Entries::const_iterator find(int descriptor) const noexcept;
  [[nodiscard]] std::optional<int> oldest(const Client& client, Phase phase) const noexcept;
  [[nodiscard]] bool may_have_worker(const Client& client) const noexcept;
  [[nodiscard]] Entries::iterator next_ready() noexcept;
  void set_phase(Entry& entry, Phase phase, TimePoint now) noexcept;
  void erase(Entries::iterator entry) noexcept;

  const Limits limits_;
  Clients clients_;
  Entries entries_;  // the oldest first
  std::size_t with_worker_ = 0;
};

}  // namespace sockdiag
