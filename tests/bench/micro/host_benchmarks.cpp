// SPDX-License-Identifier: Apache-2.0

// What owners and other network namespaces are read from, on this host as it is: its processes, its
// cgroups, the counters of a namespace, and the way to sockdiag_opener and back. Makes none of
// them.

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>

#include "owners/cgroup_tree.hpp"
#include "per_item.hpp"
#include "sockdiag/core/policy.hpp"
#include "sockdiag/owners/network_namespaces.hpp"
#include "sockdiag/owners/opener_client.hpp"
#include "sockdiag/procfs/kernel_value_reader.hpp"
#include "sockdiag/procfs/proc_file.hpp"

namespace sockdiag::bench {
namespace {

constexpr char kOwnProcess[] = "/proc/self";

std::size_t count_processes() {
  std::size_t processes = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    int pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ptr == name.data() + name.size()) ++processes;
  }
  return processes;
}

void search_processes(benchmark::State& state) {
  for (auto _ : state) {
    NamespaceSearch search("/proc");
    benchmark::DoNotOptimize(search.go_on([] { return false; }));
    benchmark::DoNotOptimize(search.found());
  }
  report_per_item(state, "process", count_processes());
}

void walk_tree(benchmark::State& state) {
  const std::string tree = find_cgroup_tree("/sys/fs/cgroup");
  if (tree.empty()) return state.SkipWithError("this host has no cgroup v2");
  std::size_t cgroups = 0;
  for (auto _ : state) {
    cgroups = 0;
    benchmark::DoNotOptimize(walk_cgroups(tree, std::numeric_limits<std::size_t>::max(),
                                          [&](std::uint64_t, std::string_view) { ++cgroups; }));
  }
  report_per_item(state, "cgroup", cgroups);
}

void read_cgroup(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(cgroup_path_in(read_proc_file("/proc/self/cgroup").content));
  }
  report_per_item(state, "process", 1);
}

void read_counters(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(read_namespace_counters(kOwnProcess));
  report_per_item(state, "namespace", 1);
}

// Asks the opener of this host, or the one at the socket that SOCKDIAG_OPENER_SOCKET names.
void ask_opener(benchmark::State& state) {
  const char* const named = std::getenv("SOCKDIAG_OPENER_SOCKET");
  const std::string path = named != nullptr ? named : NamespacePolicy{}.opener_socket;
  const std::uint64_t own = network_namespace_of(kOwnProcess).value_or(0);
  OpenerClient opener;
  try {
    for (auto _ : state) benchmark::DoNotOptimize(opener.open(path, ::getpid(), own));
  } catch (const std::runtime_error& error) {
    return state.SkipWithError(error.what());
  }
  report_per_item(state, "request", 1);
}

BENCHMARK(search_processes)->Unit(benchmark::kMicrosecond);
BENCHMARK(walk_tree)->Unit(benchmark::kMicrosecond);
BENCHMARK(read_cgroup)->Unit(benchmark::kMicrosecond);
BENCHMARK(read_counters)->Unit(benchmark::kMicrosecond);
BENCHMARK(ask_opener)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace sockdiag::bench
