// SPDX-License-Identifier: Apache-2.0

// The way of one socket from the kernel's bytes to the counts, whole and by its steps.

#include <benchmark/benchmark.h>

#include <chrono>
#include <memory>

#include "netlink/inet_diag.hpp"
#include "netlink/message_reader.hpp"
#include "per_item.hpp"
#include "recorded_sample.hpp"
#include "sockdiag/netlink/tcp_dumper.hpp"
#include "sockdiag/tally/tcp_tally.hpp"

namespace sockdiag::bench {
namespace {

constexpr char kRecording[] = "both_families_nobody";
constexpr std::size_t kCopies = 100;
const EphemeralPorts kEphemeral({32768, 60999}, {{}});

// What a host has most, and what costs most.
struct Profile {
  const char* name;
  RecordedSample::Keep keep;
};

bool is_in(const SocketRecord& record, TcpState state) {
  return record.state_number == static_cast<std::uint8_t>(state);
}

RecordedSample sample_of(const RecordedSample::Keep& keep, std::uint64_t cgroups = 0) {
  return {kRecording, kCopies, keep, cgroups};
}

void decode(benchmark::State& state, const RecordedSample::Keep& keep) {
  const RecordedSample sample = sample_of(keep);
  const auto payloads = sample.payloads();
  for (auto _ : state) {
    for (const auto payload : payloads) benchmark::DoNotOptimize(decode_socket(payload));
  }
  report_per_item(state, "socket", sample.sockets());
}

void read_messages(benchmark::State& state, const RecordedSample::Keep& keep) {
  const RecordedSample sample = sample_of(keep);
  const auto open_channel = sample.channel_factory();
  for (auto _ : state) {
    const auto channel = open_channel();
    MessageReader reader(*channel, 1);
    while (const auto message = reader.next()) benchmark::DoNotOptimize(message->payload.data());
  }
  report_per_item(state, "socket", sample.sockets());
}

void tally_records(benchmark::State& state, const std::vector<SocketRecord>& records,
                   bool by_cgroup) {
  TcpTally tally(std::make_shared<TallyScratch>(), {.by_cgroup = by_cgroup});
  TcpTally::TimePoint now{std::chrono::hours(1)};
  for (auto _ : state) {
    tally.begin(kEphemeral, now += std::chrono::seconds(5));
    for (const SocketRecord& record : records) tally.add(record);
    benchmark::DoNotOptimize(tally.finish(now));
  }
  report_per_item(state, "socket", records.size());
}

void tally(benchmark::State& state, const RecordedSample::Keep& keep) {
  tally_records(state, sample_of(keep).records(), false);
}

void tally_by_cgroup(benchmark::State& state, const RecordedSample::Keep& keep) {
  tally_records(state, sample_of(keep).records(), true);
}

// The worst case: each socket of a port has another owner than the one before, and every other
// socket is the first of its combination.
void tally_100_cgroups(benchmark::State& state, const RecordedSample::Keep& keep) {
  tally_records(state, sample_of(keep, 100).records(), true);
}

void whole_sample(benchmark::State& state, const RecordedSample::Keep& keep) {
  const RecordedSample sample = sample_of(keep);
  TcpDumper dumper(sample.channel_factory());
  TcpTally tally(std::make_shared<TallyScratch>(), {});
  TcpTally::TimePoint now{std::chrono::hours(1)};
  for (auto _ : state) {
    tally.begin(kEphemeral, now += std::chrono::seconds(5));
    dumper.dump_all([&](const SocketRecord& record) { tally.add(record); });
    benchmark::DoNotOptimize(tally.finish(now));
  }
  report_per_item(state, "socket", sample.sockets());
}

const std::vector<Profile>& profiles() {
  static const std::vector<Profile> kProfiles = {
      {"recorded", RecordedSample::keep_all},
      {"established", [](const SocketRecord& r) { return is_in(r, TcpState::established); }},
      {"close_wait", [](const SocketRecord& r) { return is_in(r, TcpState::close_wait); }},
      {"time_wait", [](const SocketRecord& r) { return is_in(r, TcpState::time_wait); }},
      {"syn_recv", [](const SocketRecord& r) { return is_in(r, TcpState::syn_recv); }},
  };
  return kProfiles;
}

const bool g_registered = [] {
  for (const Profile& profile : profiles()) {
    const auto add = [&](const char* step, auto measure) {
      benchmark::RegisterBenchmark((std::string(step) + "/" + profile.name).c_str(), measure,
                                   profile.keep);
    };
    add("read_messages", read_messages);
    add("decode", decode);
    add("tally", tally);
    add("tally_by_cgroup", tally_by_cgroup);
    add("tally_100_cgroups", tally_100_cgroups);
    add("sample", whole_sample);
  }
  return true;
}();

}  // namespace
}  // namespace sockdiag::bench
