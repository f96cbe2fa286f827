// SPDX-License-Identifier: Apache-2.0
#pragma once

// Counts sockets that are described as `ss` shows them, and finds their counts in the snapshot.

#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "netlink/inet_diag.hpp"
#include "sockdiag/tally/tcp_tally.hpp"
#include "support/catch.hpp"
#include "support/dump_builder.hpp"

namespace sockdiag::test {

using namespace std::chrono_literals;

inline const EphemeralPorts kEphemeral({32768, 60999}, std::vector<PortRange>{});

inline SocketSpec listener(const std::string& local, std::uint32_t queue = 0,
                           std::uint32_t limit = 128) {
  const char* remote = local.front() == '[' ? "[::]:0" : "0.0.0.0:0";
  return {
      .state = 10, .local = local, .remote = remote, .receive_queue = queue, .send_queue = limit};
}

inline SocketSpec connection(const std::string& local, const std::string& remote, TcpState state) {
  return {.state = static_cast<std::uint8_t>(state), .local = local, .remote = remote};
}

inline SocketSpec established(const std::string& local, const std::string& remote) {
  return connection(local, remote, TcpState::established);
}

// A tally and a clock of its own.
class Counter {
 public:
  explicit Counter(PortPolicy ports = {},
                   std::shared_ptr<TallyScratch> scratch = std::make_shared<TallyScratch>())
      : tally_(
            std::make_unique<TcpTally>(std::move(scratch), TcpPolicy{std::move(ports), {}, {}})) {}

  TcpSnapshot count(const std::vector<SocketSpec>& sockets) {
    begin(sockets);
    return tally_->finish(now_);
  }
  void begin(const std::vector<SocketSpec>& sockets) {
    tally_->begin(ephemeral, now_);
    for (const SocketSpec& spec : sockets) tally_->add(decode_socket(encode(spec)));
  }
  void poll(const std::vector<SocketSpec>& sockets) {
    for (const SocketSpec& spec : sockets) tally_->add_polled(decode_socket(encode(spec)), now_);
  }
  void pass(std::chrono::seconds time) { now_ += time; }
  TcpTally& tally() { return *tally_; }
  EphemeralPorts ephemeral = kEphemeral;

 private:
  std::unique_ptr<TcpTally> tally_;
  TcpTally::TimePoint now_{};
};

inline const PortCounts* find(const TcpSnapshot& snapshot, Direction direction,
                              std::uint16_t port) {
  for (const PortCounts& counts : snapshot.of(direction).ports) {
    if (counts.port == port) return &counts;
  }
  return nullptr;
}

inline const PortCounts& at(const TcpSnapshot& snapshot, Direction direction, std::uint16_t port) {
  const PortCounts* counts = find(snapshot, direction, port);
  REQUIRE(counts != nullptr);
  return *counts;
}

inline std::uint32_t in_state(const PortCounts& counts, TcpState state) {
  return counts.sockets[index_of(state)];
}

inline std::uint64_t sum(const StateCounts& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

inline std::uint64_t sum_of_ports(const TcpSnapshot& snapshot) {
  std::uint64_t total = 0;
  for (const Direction direction : kDirections) {
    total += sum(snapshot.of(direction).other.sockets);
    for (const PortCounts& counts : snapshot.of(direction).ports) total += sum(counts.sockets);
  }
  return total;
}

inline std::vector<std::uint16_t> ports(const TcpSnapshot& snapshot, Direction direction) {
  std::vector<std::uint16_t> result;
  for (const PortCounts& counts : snapshot.of(direction).ports) result.push_back(counts.port);
  return result;
}

using Ports = std::vector<std::uint16_t>;
inline constexpr auto kInbound = Direction::inbound;
inline constexpr auto kOutbound = Direction::outbound;
inline constexpr auto kEstablished = TcpState::established;

}  // namespace sockdiag::test
