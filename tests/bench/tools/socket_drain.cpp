// SPDX-License-Identifier: Apache-2.0
// One raw dump of the current network namespace's TCP sockets, and what it cost, as one line of
// JSON: socket_drain [--match-nothing]
#include <cinttypes>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

#include "proc.hpp"
#include "raw_drain.hpp"

namespace sockdiag::bench {
namespace {

Wanted parse(int argc, char** argv) {
  if (argc == 1) return Wanted::every_socket;
  if (argc == 2 && std::string(argv[1]) == "--match-nothing") return Wanted::nothing;
  throw std::invalid_argument("usage: socket_drain [--match-nothing]");
}

void print(const DrainCost& cost) {
  const std::size_t peak_kib = number_after("/proc/self/status", "VmHWM:", "VmHWM:");
  std::printf("{\"cpu_ns\": %" PRId64 ", \"user_ns\": %" PRId64 ", \"system_ns\": %" PRId64
              ", \"wall_ns\": %" PRId64
              ", \"datagrams\": %zu, \"bytes\": %zu, \"sockets\": %zu, \"peak_bytes\": %zu}\n",
              cost.cpu_ns, cost.user_ns, cost.system_ns, cost.wall_ns, cost.datagrams, cost.bytes,
              cost.sockets, peak_kib * 1024);
}

}  // namespace
}  // namespace sockdiag::bench

int main(int argc, char** argv) {
  try {
    sockdiag::bench::print(sockdiag::bench::drain(sockdiag::bench::parse(argc, argv)));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "socket_drain: %s\n", error.what());
    return 2;
  }
}
