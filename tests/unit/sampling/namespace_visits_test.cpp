// SPDX-License-Identifier: Apache-2.0

// Visits that read sockets, through an opener.

#include <cerrno>
#include <string>

#include "fake_host.hpp"
#include "sockdiag/owners/opener_client.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

const SocketSpec kListening{
    .state = 10, .local = "0.0.0.0:80", .remote = "0.0.0.0:0", .drops = 5, .cookie = 1};

}  // namespace

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
