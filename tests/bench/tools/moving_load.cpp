// SPDX-License-Identifier: Apache-2.0
#include "moving_load.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <thread>
#include <utility>

#include "load_socket.hpp"
#include "proc.hpp"

namespace sockdiag::bench {
namespace {

constexpr std::chrono::milliseconds kTick{10};
constexpr std::size_t kTicksPerSecond = 100;
constexpr std::size_t kConnectionsPerSecond = 3000;
constexpr std::size_t kSecondsToMakeAll = 45;  // of the 60 that a TIME_WAIT lasts
constexpr std::size_t kChurnLifetimeTicks = 10;

// So many that none is used again while it has a TIME_WAIT: the kernel would end that early.
constexpr std::uint32_t kFirstSourceAddress = 0x7f030001;  // 127.3.0.1
constexpr std::size_t kConnectionsPerAddress = 10'000;
constexpr std::size_t kSourceAddresses = 10'000;

struct Connection {
  FileDescriptor client;
  FileDescriptor server;
};

Connection connect(const std::vector<FileDescriptor>& servers, std::size_t number) {
  const auto address =
      static_cast<std::uint32_t>(number / kConnectionsPerAddress % kSourceAddresses);
  FileDescriptor client = connect_from(kFirstSourceAddress + address, server_endpoint(number));
  return {std::move(client), accept_from(servers[number % servers.size()])};
}

void leave_time_wait(Connection connection, bool client_first) {
  if (!client_first) std::swap(connection.client, connection.server);
  close_in_order(connection.client);
  close_in_order(connection.server);
}

template <typename Step>
[[noreturn]] void every_tick(const Step& step) {
  for (auto next = std::chrono::steady_clock::now();; next += kTick) {
    std::this_thread::sleep_until(next);
    step();
  }
}

}  // namespace

void keep_time_wait(const std::vector<FileDescriptor>& servers, std::size_t sockets,
                    const std::function<void()>& report_ready) {
  set_sysctl("net/ipv4/tcp_tw_reuse", 0);
  set_sysctl("net/ipv4/tcp_max_tw_buckets", sockets * 2);
  const std::size_t per_tick =
      std::max(kConnectionsPerSecond, sockets / kSecondsToMakeAll) / kTicksPerSecond;
  bool ready = false;
  std::size_t number = 0;
  every_tick([&] {
    const std::size_t missing = sockets - std::min(sockets, time_wait_sockets());
    if (missing == 0 && !std::exchange(ready, true)) report_ready();
    for (std::size_t i = 0; i < std::min(missing, per_tick); ++i, ++number) {
      leave_time_wait(connect(servers, number), number / servers.size() % 2 == 0);
    }
  });
}

void churn(const std::vector<FileDescriptor>& servers, const std::function<void()>& report_ready) {
  constexpr std::size_t per_tick = kConnectionsPerSecond / kTicksPerSecond;
  std::deque<Connection> open;
  std::size_t number = 0;
  report_ready();
  every_tick([&] {
    for (std::size_t i = 0; i < per_tick; ++i) open.push_back(connect(servers, number++));
    while (open.size() > per_tick * kChurnLifetimeTicks) open.pop_front();
  });
}

}  // namespace sockdiag::bench
