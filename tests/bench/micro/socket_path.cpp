// SPDX-License-Identifier: Apache-2.0

// What callgrind counts the instructions of: samples of a recorded dump, made `copies` times as
// long. What a socket costs is the difference of two lengths; instruction_budget.py does that.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>

#include "recorded_sample.hpp"
#include "sockdiag/netlink/tcp_dumper.hpp"
#include "sockdiag/tally/tcp_tally.hpp"

namespace sockdiag::bench {
namespace {

constexpr int kSamples = 3;  // the first sees all sockets for the first time

bool keep_established(const SocketRecord& record) {
  return record.state_number == static_cast<std::uint8_t>(TcpState::established);
}

void run(const std::string& sockets, std::size_t copies) {
  const RecordedSample sample("both_families_nobody", copies,
                              sockets == "recorded" ? RecordedSample::keep_all : keep_established,
                              sockets == "100_cgroups" ? 100 : 0);
  TcpDumper dumper(sample.channel_factory());
  // As the exporter counts by default.
  TcpTally tally(std::make_shared<TallyScratch>(), {.by_cgroup = true});
  TcpTally::TimePoint now{std::chrono::hours(1)};
  std::uint64_t counted = 0;
  for (int i = 0; i < kSamples; ++i) {
    tally.begin({{32768, 60999}, {{}}}, now += std::chrono::seconds(5));
    dumper.dump_all([&](const SocketRecord& record) { tally.add(record); });
    counted += tally.finish(now).sockets;
  }
  std::printf("%llu\n", static_cast<unsigned long long>(counted));
}

}  // namespace
}  // namespace sockdiag::bench

// Prints how many sockets the samples had, all together.
int main(int argc, char** argv) {
  try {
    if (argc != 3)
      throw std::invalid_argument("usage: socket_path recorded|established|100_cgroups COPIES");
    sockdiag::bench::run(argv[1], std::strtoul(argv[2], nullptr, 10));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "socket_path: %s\n", error.what());
    return 2;
  }
}
