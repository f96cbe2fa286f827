// SPDX-License-Identifier: Apache-2.0
#include "sampling/namespaces.hpp"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>

#include "fake_host.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {

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

TEST_CASE("Each namespace is visited within a rotation, whatever the budget is", "[namespaces]") {
  FakeHost host;
  for (int pid = 100; pid < 200; ++pid) host.with(std::to_string(pid), std::to_string(pid));
  host.collect_sockets();
  host.policies.namespaces.cpu_budget = 1;
  host.open_fails = [&] { host.cpu_time += 10ms; };  // of two for each visit
  host.run(1min);
  REQUIRE(host.status(NamespaceStatus::sampled) == 100);
  host.asked.clear();
  host.run(host.snapshot()->rotation + 1s);
  std::set<std::uint64_t> visited;
  for (const NamespaceEntry& entry : host.asked) visited.insert(entry.inode);
  CHECK(visited.size() == 100);
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

}  // namespace sockdiag::test
