// SPDX-License-Identifier: Apache-2.0
// Connects to a listener of its own and accepts, again and again until its standard input ends, and
// prints how long the two system calls took as one line of JSON: connect_probe [--period-us N]
//
// One thread does both, so that a connection is complete when connect() returns and accept() finds
// it at once: what is measured is the kernel's time for them, not that of waking a server.
#include <poll.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "error.hpp"
#include "load_socket.hpp"
#include "sockdiag/core/file_descriptor.hpp"

namespace sockdiag::bench {
namespace {

constexpr Endpoint kServer{INADDR_LOOPBACK, 7000};
constexpr int kUncounted = 100;  // while caches and branches are cold
constexpr std::int64_t kDefaultPeriodMicroseconds = 200;

struct Latencies {
  std::vector<std::int64_t> connect;
  std::vector<std::int64_t> accept;
};

std::int64_t now_nanoseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

// Its result, and how long it took.
template <typename Call>
auto timed(const Call& call) {
  const std::int64_t begin = now_nanoseconds();
  auto result = call();
  return std::pair(std::move(result), now_nanoseconds() - begin);
}

FileDescriptor open_client() {
  FileDescriptor fd(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "open a probe"));
  const linger reset{1, 0};
  checked(::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset), "SO_LINGER");
  return fd;
}

// Both ends are reset when they are closed, and leave nothing behind.
void connect_once(const FileDescriptor& listener, Latencies& latencies) {
  const FileDescriptor client = open_client();
  const sockaddr_in server = kernel_address(kServer);
  const auto [connected, connect_time] = timed([&] {
    return checked(::connect(client.get(), generic(server), sizeof server), "connect a probe");
  });
  const auto [accepted, accept_time] = timed([&] { return accept_from(listener); });
  latencies.connect.push_back(connect_time);
  latencies.accept.push_back(accept_time);
}

// Waits for the period; whether the standard input is still there then.
bool wait_for_turn(std::int64_t period_microseconds) {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  const timespec period{0, static_cast<long>(period_microseconds * 1000)};
  return checked(::ppoll(&input, 1, &period, nullptr), "wait for the next probe") == 0;
}

Latencies probe(std::int64_t period_microseconds) {
  const FileDescriptor listener = listen_at(kServer);
  Latencies latencies;
  for (int i = 0; i < kUncounted; ++i) connect_once(listener, latencies);
  latencies = {};
  while (wait_for_turn(period_microseconds)) connect_once(listener, latencies);
  return latencies;
}

// Of sorted values; the one at or above the share.
std::int64_t quantile(const std::vector<std::int64_t>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
  return sorted[std::min(rank, sorted.size() - 1)];
}

std::string summary(std::vector<std::int64_t> values) {
  if (values.empty()) throw std::runtime_error("nothing was probed");
  std::sort(values.begin(), values.end());
  std::string text = "{";
  for (const auto& [name, share] : {std::pair("p50", 0.5), {"p99", 0.99}, {"p99.9", 0.999}}) {
    text += std::string("\"") + name + "\": " + std::to_string(quantile(values, share)) + ", ";
  }
  return text + "\"max\": " + std::to_string(values.back()) + "}";
}

void print(Latencies latencies) {
  const std::size_t count = latencies.connect.size();
  std::printf("{\"count\": %zu, \"connect_ns\": %s, \"accept_ns\": %s}\n", count,
              summary(std::move(latencies.connect)).c_str(),
              summary(std::move(latencies.accept)).c_str());
}

std::int64_t parse_period(int argc, char** argv) {
  if (argc == 1) return kDefaultPeriodMicroseconds;
  const bool is_period = argc == 3 && std::string(argv[1]) == "--period-us";
  const std::int64_t period = is_period ? std::stol(argv[2]) : 0;
  if (period > 0 && period < 1'000'000) return period;
  throw std::invalid_argument("usage: connect_probe [--period-us N], N from 1 to 999999");
}

}  // namespace
}  // namespace sockdiag::bench

int main(int argc, char** argv) {
  using namespace sockdiag::bench;
  try {
    print(probe(parse_period(argc, argv)));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "connect_probe: %s\n", error.what());
    return 2;
  }
}
