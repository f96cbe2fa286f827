// SPDX-License-Identifier: Apache-2.0
#include "sampling/namespaces.hpp"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

#include "sockdiag/owners/opener_client.hpp"
#include "support/catch.hpp"
#include "support/dump_builder.hpp"
#include "support/fake_processes.hpp"
#include "support/replay_channel.hpp"

namespace sockdiag::test {
namespace {
using namespace std::chrono_literals;

using Nanoseconds = std::chrono::nanoseconds;
using Value = std::optional<std::uint64_t>;

std::size_t row_of(std::string_view field) {
  const auto rows = kernel_value_rows();
  std::size_t i = 0;
  while (rows[i].field != field) ++i;
  return i;
}

const SocketSpec kListening{
    .state = 10, .local = "0.0.0.0:80", .remote = "0.0.0.0:0", .drops = 5, .cookie = 1};

class CountedChannel final : public Channel {
 public:
  CountedChannel(std::vector<ReplayedDatagram> datagrams, int& count)
      : replay_(std::move(datagrams)), count_(count) {
    ++count_;
  }
  CountedChannel(const CountedChannel&) = delete;
  CountedChannel& operator=(const CountedChannel&) = delete;
  ~CountedChannel() override { --count_; }

  void send(std::span<const std::byte> bytes) override { replay_.send(bytes); }
  Datagram receive() override { return replay_.receive(); }
  std::uint32_t portid() const noexcept override { return replay_.portid(); }

 private:
  ReplayChannel replay_;
  int& count_;
};

// A host whose cgroup paths are the names of units, and whose clocks stand still.
class FakeHost {
 public:
  FakeHost() {
    policies.namespaces.collect = NamespaceCollect::counters;
    policies.sampling.interval = 5s;
  }

  FakeHost& collect_sockets() {
    policies.namespaces.collect = NamespaceCollect::sockets;
    policies.namespaces.opener_socket = "/the/opener";
    return *this;
  }

  FakeHost& with(const std::string& pid, const std::string& unit,
                 const FakeCounters& counters = {}) {
    proc.process(pid, "of_" + pid, unit).counts(pid, counters);
    return *this;
  }

  SampleResult turn(Nanoseconds later = {}) {
    now += later;
    return namespaces_.take_turn(policies);
  }
  // Takes turns as the sampling loop does, for that long.
  void run(Nanoseconds length) {
    for (const auto end = now + length; now + interval() <= end;)
      static_cast<void>(turn(interval()));
  }
  [[nodiscard]] Nanoseconds interval() const { return namespaces_.interval(policies); }
  [[nodiscard]] const auto& snapshot() const { return namespaces_.snapshot(); }

  [[nodiscard]] std::uint32_t status(NamespaceStatus status) const {
    return snapshot()->statuses[index_of(status)];
  }
  // ListenDrops of the unit's namespaces. Nothing without a sample of it, or too old a one.
  [[nodiscard]] Value drops(const std::string& unit) const {
    for (const NamespaceSample& sample : snapshot()->samples) {
      if (sample.owner.labels.unit != unit || !sample.counters.is_fresh(now)) continue;
      return sample.counters.value->kernel.values[row_of("ListenDrops")];
    }
    return std::nullopt;
  }

  Policies policies;
  DumpBuilder sockets = DumpBuilder().done();  // of each namespace
  std::optional<std::uint64_t> cookie = 1;
  std::function<void()> open_fails = [] {};
  std::vector<NamespaceEntry> asked;
  std::string asked_at;
  int open_channels = 0;
  FakeProcesses proc;
  std::chrono::steady_clock::time_point now{1h};
  Nanoseconds cpu_time{};
  Nanoseconds each_call_costs{};  // of those that ask for the CPU time

 private:
  OpenedNamespace open(const std::string& path, const NamespaceEntry& entry) {
    asked.push_back(entry);
    asked_at = path;
    open_fails();
    return {std::make_unique<CountedChannel>(sockets.datagrams(), open_channels), cookie};
  }

  Namespaces namespaces_{
      {.procfs = proc.root(),
       .owner_of_cgroup = [](const std::string& path) { return Owner{.labels = {.unit = path}}; },
       .open = [this](const std::string& path,
                      const NamespaceEntry& entry) { return open(path, entry); },
       .scratch = std::make_shared<TallyScratch>(),
       .now = [this] { return now; },
       .cpu_time = [this] { return cpu_time += each_call_costs; }}};
};

}  // namespace

TEST_CASE("Namespaces that nobody asked for are not looked for", "[namespaces]") {
  const auto sources = kernel_sources({});
  const Source& source = sources.back();
  REQUIRE(source.name == "namespaces");
  CHECK_FALSE(source.is_wanted({}));
  CHECK(source.interval({}) >= 1h);
  Policies policies;
  policies.namespaces = {.collect = NamespaceCollect::counters, .cpu_budget = 0.25};
  CHECK(source.is_wanted(policies));
  CHECK(source.own_budget(policies) == 0.25);
}

TEST_CASE("The first turn reads the counters of each namespace", "[namespaces]") {
  FakeHost host;
  host.with("9", "a", {.listen_drops = 1}).with("10", "b", {.listen_drops = 2, .open = 3});
  host.with("11", "a", {.listen_drops = 40});
  const SampleResult result = host.turn();
  CHECK(result.attempted);
  CHECK(result.problem.empty());
  REQUIRE(host.snapshot()->samples.size() == 2);
  CHECK(host.snapshot()->samples[0].namespaces == 2);
  CHECK(host.snapshot()->samples[1].counters.value->open == 3);
  CHECK(host.drops("a") == 41);
  CHECK(host.drops("b") == 2);
  CHECK(host.status(NamespaceStatus::counted) == 3);
  CHECK(host.status(NamespaceStatus::skipped) == 0);
  CHECK(host.snapshot()->rotation == 30s);
  CHECK(host.interval() == 30s);
}

TEST_CASE("A namespace is visited again after a rotation, and not before", "[namespaces]") {
  FakeHost host;
  host.with("9", "a", {.listen_drops = 1});
  host.run(1s);
  static_cast<void>(host.turn());
  host.proc.counts("9", {.listen_drops = 5});
  static_cast<void>(host.turn(20s));
  CHECK(host.drops("a") == 1);
  CHECK(host.interval() == 10s);
  static_cast<void>(host.turn(10s));
  CHECK(host.drops("a") == 5);
}

TEST_CASE("A host without other namespaces, or one that hides them, shows that there are none",
          "[namespaces]") {
  FakeHost host;
  CHECK(host.turn().problem.empty());
  REQUIRE(host.snapshot() != nullptr);
  CHECK(host.snapshot()->samples.empty());
  CHECK(host.status(NamespaceStatus::counted) == 0);
}

TEST_CASE("A /proc that hides processes is told once, with what to do", "[namespaces]") {
  std::ostringstream log;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(std::make_shared<spdlog::logger>(
      "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log)));
  FakeHost host;
  const bool is_hidden = GENERATE(true, false);
  host.with(is_hidden ? "9" : "1", "a");
  static_cast<void>(host.turn());
  static_cast<void>(host.turn(30s));
  spdlog::set_default_logger(before);
  const std::string text = log.str();
  CHECK(std::count(text.begin(), text.end(), '\n') == (is_hidden ? 1 : 0));
  CHECK((text.find("ProtectProc=default in a drop-in") != std::string::npos) == is_hidden);
}

TEST_CASE("A turn ends after its CPU time, and later ones visit those that have waited longest",
          "[namespaces]") {
  FakeHost host;
  for (int pid = 100; pid < 150; ++pid) host.with(std::to_string(pid), std::to_string(pid));
  static_cast<void>(host.turn());
  CHECK(host.status(NamespaceStatus::counted) == 50);
  host.each_call_costs = 1ms;
  const auto before = host.cpu_time;
  static_cast<void>(host.turn(30s));
  CHECK(host.cpu_time - before < 40ms);
  CHECK(host.interval() == 100ms);
  for (int pid = 100; pid < 150; ++pid) host.proc.counts(std::to_string(pid), {.listen_drops = 1});
  const auto visited = [&] {
    int count = 0;
    for (int pid = 100; pid < 150; ++pid) count += host.drops(std::to_string(pid)) == 1 ? 1 : 0;
    return count;
  };
  static_cast<void>(host.turn(5s));
  const int in_a_turn = visited();
  CHECK(in_a_turn > 0);
  CHECK(in_a_turn < 10);
  CHECK(host.drops("100") == 0);  // visited in the turn before
  while (visited() < 40) {
    const int last = visited();
    static_cast<void>(host.turn(5s));
    REQUIRE(visited() > last);
  }
}

TEST_CASE("When all are due, those that have waited longest come first", "[namespaces]") {
  FakeHost host;
  for (int pid = 100; pid < 120; ++pid) host.with(std::to_string(pid), std::to_string(pid));
  host.each_call_costs = 1ms;
  while (host.snapshot() == nullptr || host.status(NamespaceStatus::counted) < 20) {
    static_cast<void>(host.turn(5s));
  }
  for (int pid = 100; pid < 120; ++pid) host.proc.counts(std::to_string(pid), {.listen_drops = 1});
  static_cast<void>(host.turn(60s));
  CHECK(host.drops("100") == 1);
  CHECK(host.drops("119") == 0);
}

TEST_CASE("A rotation is as long as the budget needs for all namespaces", "[namespaces]") {
  FakeHost host;
  for (int pid = 100; pid < 150; ++pid) host.with(std::to_string(pid), std::to_string(pid));
  host.policies.namespaces.cpu_budget = 0.001;
  host.each_call_costs = 1ms;
  for (int turn = 0; turn < 20; ++turn) static_cast<void>(host.turn(5s));
  CHECK(host.status(NamespaceStatus::counted) == 50);
  CHECK(host.snapshot()->rotation > 50s);   // 50 visits of 1 ms
  CHECK(host.snapshot()->rotation < 110s);  // searches take half of the budget at most
  host.policies.sampling.interval = 1h;
  static_cast<void>(host.turn(2h));
  CHECK(host.snapshot()->rotation == 1h);
}

TEST_CASE("A namespace that ends between search and visit has no series", "[namespaces]") {
  FakeHost host;
  host.with("9", "a", {.listen_drops = 1}).with("10", "b", {.listen_drops = 2});
  static_cast<void>(host.turn());
  host.proc.remove("9");
  host.now += 25s;  // a search is not due yet
  host.policies.namespaces.cpu_budget = 1;
  static_cast<void>(host.turn(5s));
  CHECK(host.drops("a") == std::nullopt);
  CHECK(host.drops("b") == 2);
  CHECK(host.status(NamespaceStatus::counted) == 1);
  CHECK(host.status(NamespaceStatus::failed) == 0);
}

TEST_CASE("A process whose number is another's by now is not taken for the first", "[namespaces]") {
  FakeHost host;
  host.with("9", "a", {.listen_drops = 1});
  static_cast<void>(host.turn());
  host.proc.process("9", "another", "b").counts("9", {.listen_drops = 77});
  static_cast<void>(host.turn(30s));
  CHECK(host.drops("a") == std::nullopt);
  CHECK(host.drops("b") == 77);
}

TEST_CASE("A namespace lives on with another of its processes", "[namespaces]") {
  FakeHost host;
  host.with("9", "a", {.listen_drops = 1});
  host.proc.process("10", "of_9", "a").counts("10", {.listen_drops = 3});
  static_cast<void>(host.turn());
  CHECK(host.drops("a") == 1);
  host.proc.remove("9");
  static_cast<void>(host.turn(30s));
  CHECK(host.drops("a") == 3);
  CHECK(host.status(NamespaceStatus::counted) == 1);
}

TEST_CASE("A namespace that cannot be read fails alone, and is shown until it is stale",
          "[namespaces]") {
  FakeHost host;
  host.with("9", "a", {.listen_drops = 1}).with("10", "b", {.listen_drops = 2});
  static_cast<void>(host.turn());
  host.proc.remove("9/net/sockstat");
  CHECK(host.turn(30s).problem.empty());
  CHECK(host.status(NamespaceStatus::failed) == 1);
  CHECK(host.status(NamespaceStatus::counted) == 1);
  CHECK(host.drops("a") == 1);
  host.run(100s);
  CHECK(host.drops("a") == std::nullopt);
  CHECK(host.drops("b") == 2);
  host.proc.counts("9", {.listen_drops = 5});
  host.run(40s);
  CHECK(host.drops("a") == 5);
  CHECK(host.status(NamespaceStatus::failed) == 0);
}

TEST_CASE("A number that makes no sense fails its namespace", "[namespaces]") {
  FakeHost host;
  host.with("9", "a");
  host.proc.write("9/net/netstat", "TcpExt: ListenDrops\nTcpExt: x\n");
  static_cast<void>(host.turn());
  CHECK(host.status(NamespaceStatus::failed) == 1);
  CHECK(host.snapshot()->samples.empty());
}

TEST_CASE("No more namespaces are visited than max_namespaces, those known first stay",
          "[namespaces]") {
  FakeHost host;
  host.policies.namespaces.max_namespaces = 2;
  host.with("50", "a", {.listen_drops = 1}).with("51", "b", {.listen_drops = 2}).with("52", "c");
  static_cast<void>(host.turn());
  CHECK(host.status(NamespaceStatus::counted) == 2);
  CHECK(host.status(NamespaceStatus::skipped) == 1);
  host.with("9", "d");
  static_cast<void>(host.turn(30s));
  CHECK(host.drops("a") == 1);
  CHECK(host.drops("b") == 2);
  CHECK(host.status(NamespaceStatus::skipped) == 2);
  host.proc.remove("50");
  static_cast<void>(host.turn(30s));
  CHECK(host.drops("a") == std::nullopt);
  CHECK(host.drops("b") == 2);
  CHECK(host.drops("d") == 0);
  CHECK(host.status(NamespaceStatus::skipped) == 1);
  host.policies.namespaces.max_namespaces = 1;
  static_cast<void>(host.turn(30s));
  CHECK(host.drops("b") == 2);
  CHECK(host.status(NamespaceStatus::counted) == 1);
  CHECK(host.status(NamespaceStatus::skipped) == 2);
}

TEST_CASE("Counts from before a namespace is visited are no growth of an owner that is shown",
          "[namespaces]") {
  FakeHost host;
  host.policies.namespaces.max_namespaces = 1;
  host.with("50", "a", {.listen_drops = 1}).with("51", "a", {.listen_drops = 1000});
  static_cast<void>(host.turn());
  CHECK(host.drops("a") == 1);
  host.policies.namespaces.max_namespaces = 10;
  host.with("52", "a", {.listen_drops = 20});  // made since the last search
  static_cast<void>(host.turn(30s));
  CHECK(host.status(NamespaceStatus::counted) == 3);
  CHECK(host.drops("a") == 21);
  host.proc.counts("51", {.listen_drops = 1300});
  static_cast<void>(host.turn(30s));
  CHECK(host.drops("a") == 321);
}

TEST_CASE("A round of visits that takes several turns is no growth", "[namespaces]") {
  FakeHost host;
  for (int pid = 100; pid < 150; ++pid) host.with(std::to_string(pid), "a", {.listen_drops = 1000});
  host.each_call_costs = 1ms;
  static_cast<void>(host.turn());
  const auto first = host.drops("a");
  CHECK(first < 50 * 1000);
  while (host.turn(5s).has_more) {
  }
  static_cast<void>(host.turn(5s));
  CHECK(host.status(NamespaceStatus::counted) == 50);
  CHECK(host.drops("a") == first);
}

TEST_CASE("A name that becomes known later is taken over", "[namespaces]") {
  FakeHost host;
  host.with("9", "a", {.listen_drops = 1});
  static_cast<void>(host.turn());
  host.proc.write("9/cgroup", "0::b\n");
  static_cast<void>(host.turn(30s));
  CHECK(host.drops("a") == std::nullopt);
  CHECK(host.drops("b") == 1);
}

TEST_CASE("What was read of a namespace is not shown as that of another one with its inode",
          "[namespaces]") {
  FakeHost host;
  host.collect_sockets().with("9", "a", {.listen_drops = 100});
  host.open_fails = [&] { host.cpu_time += 1s; };
  static_cast<void>(host.turn());
  REQUIRE(host.snapshot()->rotation > 30s);
  host.proc.remove("9");
  host.proc.process("10", "of_9", "b").counts("10", {.listen_drops = 1});
  static_cast<void>(host.turn(30s));
  CHECK(host.drops("a") == std::nullopt);
  CHECK(host.drops("b") == 1);
}

TEST_CASE("Without the host's /proc the source as a whole fails, until it is there",
          "[namespaces]") {
  FakeHost host;
  const auto root = host.proc.root();
  const std::filesystem::path away = root.string() + ".away";
  std::filesystem::rename(root, away);
  CHECK_THAT(host.turn().problem, contains_text("No such file or directory"));
  CHECK_THAT(host.turn(1s).problem, contains_text("No such file or directory"));
  std::filesystem::rename(away, root);
  host.with("9", "a", {.listen_drops = 1});
  CHECK(host.turn(30s).problem.empty());
  CHECK(host.drops("a") == 1);
}

TEST_CASE("What has not changed is not published again, nor before the sampling interval",
          "[namespaces]") {
  FakeHost host;
  host.with("9", "a").with("10", "b", {.listen_drops = 2});
  static_cast<void>(host.turn());
  const auto first = host.snapshot();
  static_cast<void>(host.turn(10s));
  CHECK(host.snapshot() == first);
  host.policies.sampling.interval = 40s;
  static_cast<void>(host.turn(20s));
  CHECK(host.snapshot() == first);
  CHECK(host.interval() == 10s);
  static_cast<void>(host.turn(host.interval()));
  CHECK(host.snapshot() != first);
}

TEST_CASE("What is collected from now on is read at once", "[namespaces]") {
  FakeHost host;
  host.with("9", "a", {.listen_drops = 1});
  static_cast<void>(host.turn());
  host.policies.namespaces.collect = NamespaceCollect::sockets;
  CHECK(host.interval() == 100ms);
  static_cast<void>(host.turn());
  CHECK(host.status(NamespaceStatus::sampled) == 1);
  host.policies.namespaces.collect = NamespaceCollect::counters;
  static_cast<void>(host.turn());
  CHECK(host.status(NamespaceStatus::counted) == 1);
  CHECK(host.snapshot()->samples[0].tcp.value == nullptr);
}

TEST_CASE("A visit reads counters, sockets and listeners", "[namespaces]") {
  FakeHost host;
  host.collect_sockets().with("9", "a", {.listen_drops = 1, .open = 2});
  host.sockets = DumpBuilder().socket(kListening).socket({.cookie = 2}).done();
  CHECK(host.turn().problem.empty());
  CHECK(host.drops("a") == 1);
  CHECK(host.status(NamespaceStatus::sampled) == 1);
  CHECK(host.status(NamespaceStatus::counted) == 0);
  const NamespaceSample& sample = host.snapshot()->samples.at(0);
  REQUIRE(sample.tcp.value != nullptr);
  CHECK(sample.tcp.value->sockets == 2);
  CHECK(sample.tcp.value->unaccounted_sockets == 0);
  REQUIRE(sample.listeners.value != nullptr);
  CHECK(sample.listeners.value->ports.at(0).port == 80);
  CHECK(sample.listeners.value->ports.at(0).drops == 0);
  CHECK(host.snapshot()->rotation == 5s);
  CHECK(host.asked.back().pid == 9);
  CHECK(host.asked.back().inode == network_namespace_of(host.proc.root() / "9"));
  CHECK(host.asked_at == "/the/opener");
}

TEST_CASE("Ports that are configured for the host have no series in namespaces without sockets",
          "[namespaces]") {
  FakeHost host;
  host.collect_sockets().with("9", "a");
  host.policies.tcp.ports.inbound = {22};
  host.policies.tcp.ports.outbound = {443};
  static_cast<void>(host.turn());
  for (const DirectionCounts& counts : host.snapshot()->samples.at(0).tcp.value->directions) {
    CHECK(counts.ports.empty());
  }
}

TEST_CASE("An opener that is not there fails the source and costs no counters", "[namespaces]") {
  FakeHost host;
  host.collect_sockets().with("9", "a", {.listen_drops = 1}).with("10", "b");
  host.open_fails = [] { throw OpenerError("no opener"); };
  CHECK(host.turn().problem == "no opener");
  CHECK(host.asked.size() == 1);  // not for each namespace
  CHECK(host.drops("a") == 1);
  CHECK(host.status(NamespaceStatus::counted) == 2);
  CHECK(host.status(NamespaceStatus::failed) == 0);
  CHECK(host.turn(5s).problem == "no opener");
  CHECK(host.asked.size() == 1);
  host.open_fails = [] {};
  CHECK(host.turn(5s).problem.empty());
  CHECK(host.status(NamespaceStatus::sampled) == 2);
}

TEST_CASE("A namespace that the opener refuses fails alone", "[namespaces]") {
  FakeHost host;
  host.collect_sockets().with("9", "a", {.listen_drops = 1}).with("10", "b");
  host.open_fails = [&] {
    if (host.asked.back().pid == 9) throw OpenerRefused(EPERM);
  };
  CHECK(host.turn().problem.empty());
  CHECK(host.status(NamespaceStatus::failed) == 1);
  CHECK(host.status(NamespaceStatus::sampled) == 1);
  CHECK(host.drops("a") == 1);
}

TEST_CASE("An opener that refuses all namespaces fails the source", "[namespaces]") {
  FakeHost host;
  host.collect_sockets().with("9", "a", {.listen_drops = 1}).with("10", "b");
  host.open_fails = [] { throw OpenerRefused(EPERM); };
  CHECK(
      host.turn().problem ==
      "no network namespace can be read: sockdiag_opener cannot open it: Operation not permitted");
  CHECK(host.status(NamespaceStatus::failed) == 2);
  CHECK(host.drops("a") == 1);
  host.open_fails = [] {};
  CHECK(host.turn(5s).problem.empty());
}

TEST_CASE("A namespace that ends while it is visited has not failed", "[namespaces]") {
  FakeHost host;
  host.collect_sockets().with("9", "a").with("10", "b");
  static_cast<void>(host.turn());
  const int error = GENERATE(ENOENT, ESRCH, ESTALE);
  host.open_fails = [&] {
    if (host.asked.back().pid != 9) return;
    host.proc.remove("9");
    throw OpenerRefused(error);
  };
  CHECK(host.turn(5s).problem.empty());
  CHECK(host.status(NamespaceStatus::failed) == 0);
  CHECK(host.status(NamespaceStatus::sampled) == 1);
}

TEST_CASE("An opener that finds none of the processes that are there fails the source",
          "[namespaces]") {
  FakeHost host;
  host.collect_sockets().with("9", "a");
  host.open_fails = [] { throw OpenerRefused(ENOENT); };  // it has the /proc of a container
  CHECK_THAT(host.turn().problem, contains_text("No such file or directory"));
  CHECK(host.status(NamespaceStatus::failed) == 1);
}

TEST_CASE("A turn that has not visited all has more to do; the first round is published at once",
          "[namespaces]") {
  FakeHost host;
  for (int pid = 100; pid < 150; ++pid) host.with(std::to_string(pid), std::to_string(pid));
  host.each_call_costs = 1ms;
  int turns = 1;
  while (host.turn().has_more) REQUIRE(++turns < 50);
  CHECK(turns > 2);
  CHECK(host.status(NamespaceStatus::counted) == 50);
  CHECK(host.snapshot()->samples.size() == 50);
}

TEST_CASE("A dump that is lost costs its visit as a whole", "[namespaces]") {
  FakeHost host;
  host.collect_sockets().with("9", "a");
  static_cast<void>(host.turn());
  const auto before = host.snapshot()->samples.at(0).tcp.value->sockets;
  host.sockets = DumpBuilder().socket({}).socket({}).done(ENOMEM);
  static_cast<void>(host.turn(5s));
  CHECK(host.status(NamespaceStatus::failed) == 1);
  CHECK(host.snapshot()->samples.at(0).tcp.value->sockets == before);
}

TEST_CASE("Another cookie is another namespace: nothing is remembered", "[namespaces]") {
  FakeHost host;
  host.collect_sockets().with("9", "a");
  SocketSpec leak{.state = 8, .local = "127.0.0.1:33000", .remote = "127.0.0.1:80", .cookie = 9};
  leak.last_ack_ms = 0;
  host.sockets = DumpBuilder().socket(kListening).done();
  static_cast<void>(host.turn());
  SocketSpec dropping = kListening;
  dropping.drops = *dropping.drops + 5;
  host.sockets = DumpBuilder().socket(dropping).done();
  host.proc.counts("9", {.listen_drops = 5});
  static_cast<void>(host.turn(5s));
  const auto drops = [&] {
    return host.snapshot()->samples.at(0).listeners.value->ports.at(0).drops;
  };
  CHECK(drops() == 5);
  ++*host.cookie;
  dropping.drops = *dropping.drops + 100;
  host.sockets = DumpBuilder().socket(dropping).done();
  host.proc.counts("9", {.listen_drops = 105});
  static_cast<void>(host.turn(5s));
  CHECK(drops() == 5);
}

TEST_CASE("No channel stays open after a visit", "[namespaces]") {
  FakeHost host;
  host.collect_sockets().with("9", "a");
  static_cast<void>(host.turn());
  CHECK(host.asked.size() >= 2);
  CHECK(host.open_channels == 0);
  host.sockets = DumpBuilder().done(ENOMEM);
  static_cast<void>(host.turn(5s));
  CHECK(host.open_channels == 0);
}

TEST_CASE("An opener that answers slowly ends the turn", "[namespaces]") {
  FakeHost host;
  host.collect_sockets();
  for (int pid = 100; pid < 150; ++pid) host.with(std::to_string(pid), std::to_string(pid));
  host.open_fails = [&] { host.now += 90ms; };
  static_cast<void>(host.turn());
  CHECK(host.asked.size() < 10);
}

}  // namespace sockdiag::test
