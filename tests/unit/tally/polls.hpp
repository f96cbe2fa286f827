// SPDX-License-Identifier: Apache-2.0
#pragma once

// Polls of made-up listeners.

#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "sockdiag/tally/listener_watch.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {

using namespace std::chrono_literals;
using Listeners = std::vector<SocketRecord>;

inline constexpr auto kWindow = 60s;
inline constexpr std::uint32_t kLimit = 10;
inline constexpr std::uint32_t kFull = kLimit + 1;
inline constexpr std::uint64_t kMany = 1'000'000'000;

inline SocketRecord listener(std::uint64_t cookie, std::uint16_t port, std::uint32_t queue,
                             std::optional<std::uint32_t> drops = 0) {
  SocketRecord record;
  record.send_queue = kLimit;
  record.state_number = static_cast<std::uint8_t>(TcpState::listen);
  record.cookie = cookie;
  record.local_port = port;
  record.receive_queue = queue;
  record.drops = drops;
  return record;
}

// A watch over ports 80 and 443, with a clock and the kernel's ListenDrops.
class Polls {
 public:
  Polls() { record_seen(0, 0); }

  Polls& begin(const Listeners& listeners) {
    watch_.begin(now_, read_);
    for (const SocketRecord& record : listeners) watch_.add(record);
    return *this;
  }
  Polls& poll(const Listeners& listeners) { return poll(kMany, listeners); }
  // ListenDrops has grown since the last poll, and again while this one ran.
  Polls& poll(std::uint64_t growth, const Listeners& listeners, std::uint64_t meanwhile = 0) {
    if (listen_drops_) *listen_drops_ += growth;
    if (!try_poll(listeners, meanwhile)) {
      if (listen_drops_) *listen_drops_ -= meanwhile;
      REQUIRE(try_poll(listeners, meanwhile));
    }
    return *this;
  }
  Polls& lose_listen_drops() {
    listen_drops_.reset();
    return *this;
  }
  Polls& find_listen_drops(std::uint64_t count) {
    listen_drops_ = count;
    return *this;
  }
  // A sample of all sockets, with the length of port 80's queue and that of ports without series.
  Polls& record_seen(std::uint64_t length, std::uint64_t other) {
    DirectionCounts inbound;
    for (const std::uint16_t port : ports_) inbound.ports.push_back({.port = port});
    if (!inbound.ports.empty()) inbound.ports[0].accept_queue.length = length;
    inbound.other.accept_queue.length = other;
    watch_.record_seen(inbound, {listening_.begin(), listening_.end()}, now_);
    return *this;
  }
  Polls& seat(std::vector<std::uint16_t> ports) {
    ports_ = std::move(ports);
    return record_seen(0, 0);
  }
  // A sample that shows this port for the first time.
  Polls& discover(std::uint16_t port, std::vector<std::uint16_t> seated) {
    listening_.insert(port);
    return seat(std::move(seated));
  }
  Polls& pass(std::chrono::milliseconds time) {
    now_ += time;
    return *this;
  }

  ListenerCounts port(std::uint16_t port) {
    const ListenerSnapshot snapshot = watch_.report(now_, kWindow);
    for (const ListenerCounts& counts : snapshot.ports) {
      if (counts.port == port) return counts;
    }
    FAIL("no such port");
    return {};
  }
  [[nodiscard]] const std::vector<std::uint16_t>& seated() const { return ports_; }
  ListenerCounts other() { return watch_.report(now_, kWindow).other; }
  // Since the last question.
  int reads() { return std::exchange(reads_, 0); }

 private:
  bool try_poll(const Listeners& listeners, std::uint64_t meanwhile) {
    begin(listeners);
    if (listen_drops_) *listen_drops_ += meanwhile;
    return watch_.finish(now_, read_);
  }

  ListenerWatch watch_;
  ListenerWatch::ListenDrops listen_drops_ = 7000;
  int reads_ = 0;
  ListenerWatch::ReadListenDrops read_ = [this] {
    ++reads_;
    return listen_drops_;
  };
  std::vector<std::uint16_t> ports_ = {80, 443};
  std::set<std::uint16_t> listening_ = {80, 443, 8080, 8081};
  ListenerWatch::TimePoint now_{1000h};
};

}  // namespace sockdiag::test
