// SPDX-License-Identifier: Apache-2.0

// Findings name whose the sockets are, and each other network namespace is diagnosed by itself.

#include "diagnosis/history.hpp"
#include "host.hpp"
#include "sockdiag/diagnosis/finding_texts.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

using Names = std::vector<std::string>;
using enum TcpState;
using enum CloseWaitCause;

const OwnerLabels kPod{"shop", "cart-7d9", "app", "", ""};
const OwnerLabels kOtherPod{"shop", "mail-x2", "app", "", ""};
const OwnerLabels kUnit{"", "", "", "nginx.service", ""};
const OwnerLabels kFolded{"", "", "", "other", ""};

// Whose the sockets of a host are.
class Owners {
 public:
  explicit Owners(Host& host) : host_(host) {}

  Owners& leaks(const OwnerLabels& owner, std::uint16_t port, std::uint32_t sockets) {
    OwnerCounts counts = counts_of(owner, port);
    counts.close_wait_causes[index_of(not_closed)] = sockets;
    snapshot_.counts.push_back(counts);
    return *this;
  }
  Owners& listens(const OwnerLabels& owner, std::uint16_t port, std::uint32_t sockets = 1) {
    OwnerCounts counts = counts_of(owner, port);
    counts.sockets[index_of(listen)] = sockets;
    snapshot_.counts.push_back(counts);
    return *this;
  }
  void publish() {
    host_.samples.owners = {std::make_shared<const OwnerSnapshot>(std::move(snapshot_)),
                            host_.now() + 60s};
    snapshot_ = {};
  }

 private:
  OwnerCounts counts_of(const OwnerLabels& owner, std::uint16_t port) {
    snapshot_.owners.push_back({owner, "", "", "", ""});
    return {.owner = snapshot_.owners.size() - 1, .direction = Direction::inbound, .port = port};
  }

  Host& host_;
  OwnerSnapshot snapshot_;
};

OwnerLabels owner_in(const std::shared_ptr<const Findings>& findings) {
  REQUIRE(findings->found.size() == 1);
  return findings->found[0].owner;
}

// Samples a host and its namespaces for so long; `visit` adds what was visited.
template <typename Visit>
std::shared_ptr<const Findings> run(Host& host, std::chrono::seconds time, const Visit& visit) {
  std::shared_ptr<const Findings> found;
  for (std::chrono::seconds passed = 0s; passed <= time; passed += 5s) {
    visit();
    host.publish_namespaces();
    found = host.sample();
  }
  return found;
}

}  // namespace

TEST_CASE("A finding names the owner of more than half of the sockets in question") {
  Host host;
  Owners owners(host);
  host.in(80).waits(not_closed, 30);
  owners.leaks(kPod, 80, 16).leaks(kUnit, 80, 14).leaks(kUnit, 81, 500).publish();
  CHECK(owner_in(host.run(60s)) == kPod);
}

TEST_CASE("Nobody is named for half of the sockets, nor for those of folded owners") {
  Host host;
  Owners owners(host);
  host.in(80).waits(not_closed, 30);
  owners.leaks(kPod, 80, 15).leaks(kUnit, 80, 15).publish();
  CHECK(owner_in(host.run(60s)) == OwnerLabels{});
  owners.leaks(kPod, 80, 10).leaks(kFolded, 80, 20).publish();
  CHECK(owner_in(host.sample()) == OwnerLabels{});
}

TEST_CASE("A finding keeps its owner while that has a quarter of the sockets") {
  Host host;
  Owners owners(host);
  host.in(80).waits(not_closed, 30);
  owners.leaks(kPod, 80, 20).leaks(kUnit, 80, 10).publish();
  const auto first = host.run(60s);
  CHECK(owner_in(first) == kPod);
  owners.leaks(kPod, 80, 8).leaks(kUnit, 80, 22).publish();
  CHECK(owner_in(host.sample()) == kPod);
  host.samples.owners = {};
  CHECK(owner_in(host.sample()) == kPod);
  owners.leaks(kPod, 80, 7).leaks(kUnit, 80, 23).publish();
  const auto last = host.sample();
  CHECK(owner_in(last) == kUnit);
  CHECK(last->found[0].since == first->found[0].since);
}

TEST_CASE("Sockets that have no owner are those of who listens") {
  Host host;
  Owners owners(host);
  host.grows("passive_opens", 1);
  host.in(80).listens().lingers(syn_recv, 60);
  owners.listens(kUnit, 80).publish();
  const auto findings = host.run(60s);
  CHECK(names_of(*findings) == Names{"warning syn_unanswered inbound 80"});
  CHECK(owner_in(findings) == kUnit);
}

TEST_CASE("Each other network namespace is diagnosed by itself") {
  Host host;
  Host leaking;
  Host healthy;
  leaking.in(8080).listens().waits(not_closed, 30);
  healthy.in(8080).listens().has(established, 30);
  const auto findings = run(host, 60s, [&] {
    host.visit(leaking, kPod);
    host.visit(healthy, kOtherPod);
  });
  CHECK(names_of(*findings) == Names{"warning cw_in_not_closed inbound 8080"});
  CHECK(findings->found[0].owner == kPod);
  CHECK(findings->found[0].of_namespace);
}

TEST_CASE("A namespace has no finding earlier than the host would have it") {
  Host host;
  Host pod;
  host.in(80).listens();
  pod.in(80).listens();
  std::vector<std::shared_ptr<const Findings>> found;
  run(host, 60s, [&] { host.visit(pod, kPod); });
  host.in(80).waits(not_closed, 30);
  pod.in(80).waits(not_closed, 30);
  for (int i = 0; i < 10; ++i) {
    const auto findings = run(host, 0s, [&] { host.visit(pod, kPod); });
    const auto count = [&](bool of_namespace) {
      return std::ranges::count(findings->found, of_namespace, &Finding::of_namespace);
    };
    CHECK(count(true) == count(false));
    found.push_back(findings);
  }
  CHECK(found.front()->found.empty());
  CHECK(found.back()->found.size() == 2);
}

TEST_CASE("What namespaces share with the host is asked of the host alone") {
  Host host;
  Host pod;
  pod.gauge("orphans", 8000).gauge("memory_bytes", 1e9);
  pod.ephemeral.local_ports_used = 28'232;
  const auto findings = run(host, 60s, [&] { host.visit(pod, kPod); });
  CHECK(findings->found.empty());
  const auto alone = Host().run(60s)->unchecked;
  CHECK(findings->unchecked == alone);
}

TEST_CASE("Findings of a namespace go with it, and with its last value") {
  Host host;
  Host pod;
  pod.in(8080).waits(not_closed, 30);
  CHECK(run(host, 60s, [&] { host.visit(pod, kPod); })->found.size() == 1);
  SECTION("when it ends") {
    CHECK(run(host, 0s, [] {})->found.empty());
  }
  SECTION("when it is stale") {
    host.takes_tcp = true;
    host.run(120s);
    CHECK(host.sample()->found.empty());
  }
  SECTION("when its sockets are not read any more") {
    CHECK(run(host, 0s, [&] { host.visit(pod, kPod, false); })->found.empty());
  }
}

TEST_CASE("A publication with nothing new in its namespaces returns the same findings") {
  Host host;
  Host pod;
  pod.in(8080).waits(not_closed, 30);
  const auto findings = run(host, 60s, [&] { host.visit(pod, kPod); });
  CHECK(host.examine() == findings);
}

TEST_CASE("Ports that the host is to listen at are not expected of namespaces") {
  Host host;
  Host pod;
  host.policy.expected_listeners = {8080};
  host.in(8080).listens();
  pod.in(8080);  // without any socket
  CHECK(run(host, 17min, [&] { host.visit(pod, kPod); })->found.empty());
}

TEST_CASE("A finding says whose the sockets are, and what the port is called") {
  Host host;
  Owners owners(host);
  host.policy.port_names = {{8443, "checkout"}};
  host.in(8443).waits(not_closed, 30);
  owners.leaks(kPod, 8443, 30).publish();
  const auto findings = host.run(60s);
  CHECK_THAT(seen_text(findings->found.at(0), Language::english),
             contains_text("port 8443 (checkout), inbound, in pod shop/cart-7d9, container app: "));
  CHECK_THAT(seen_text(findings->found.at(0), Language::chinese),
             contains_text("端口 8443（checkout），入站，位于 Pod shop/cart-7d9，容器 app："));
}

TEST_CASE("Every kind of owner has words") {
  using Row = std::tuple<OwnerLabels, std::string, std::string>;
  const auto [owner, english, chinese] = GENERATE(values<Row>({
      {{}, "", ""},
      {kPod, "in pod shop/cart-7d9, container app", "位于 Pod shop/cart-7d9，容器 app"},
      {{"", "", "", "", "1-2"}, "in pod 1-2", "位于 Pod 1-2"},
      {kUnit, "in unit nginx.service", "位于单元 nginx.service"},
      {{"", "", "3f2a", "", ""}, "in container 3f2a", "位于容器 3f2a"},
      {{"", "", "3f2a", "web.service", ""},
       "in container 3f2a, in unit web.service",
       "位于容器 3f2a，位于单元 web.service"},
      {kFolded, "in other owners' cgroups", "位于其他归属的 cgroup"},
      {{"", "", "", "gone", ""}, "in a cgroup that was removed", "位于已删除的 cgroup"},
      {{"", "", "", "none", ""}, "outside of any unit", "不属于任何单元"},
  }));
  CHECK(owner_text(owner, Language::english) == english);
  CHECK(owner_text(owner, Language::chinese) == chinese);
}

TEST_CASE("Commands for another network namespace enter it") {
  Finding finding{FindingId::cw_in_not_closed, Severity::warning, Direction::inbound, 8080};
  const Confirmation& confirmation = text_of(finding.id).confirm[0];
  const std::string here = command_text(confirmation, finding);
  finding.of_namespace = true;
  CHECK(command_text(confirmation, finding) == "nsenter -n -t PID " + here);
}

namespace {

// What diagnosis remembers of a pod of three ports.
class PodHistory {
 public:
  PodHistory() {
    pod.in(8080).listens().has(established, 30);
    pod.out(5432).has(established, 30);
    pod.out(6379).has(established, 30);
  }
  std::size_t bytes_after(std::chrono::seconds time) {
    for (auto left = time; left > 0s; left -= 5s) {
      pod.sample();
      history_.record(pod.samples, pod.now());
    }
    return history_.memory_bytes();
  }

  Host pod;

 private:
  History history_;
};

}  // namespace

TEST_CASE("A healthy namespace of three ports takes 3 KiB at most, a busy one 5 KiB") {
  PodHistory pod;
  CHECK(pod.bytes_after(100s) <= 3072);
  CHECK(pod.bytes_after(5s) > 3 * sizeof(PortHistory));
  pod.pod.in(8080).receive_queue(100).send_queue(100).queue(1);
  pod.pod.out(5432).send_queue(100);
  pod.pod.out(6379).send_queue(100);
  for (const char* counter :
       {"active_opens", "passive_opens", "attempt_failures", "embryonic_resets"}) {
    pod.pod.grows(counter, 1);
  }
  CHECK(pod.bytes_after(100s) <= 5120);
}

TEST_CASE("What takes memory in trouble gives it back when all is well again") {
  PodHistory pod;
  const std::size_t healthy = pod.bytes_after(100s);
  pod.pod.in(8080).waits(CloseWaitCause::not_closed, 30).receive_queue(1).queue(5);
  pod.pod.grows("active_opens", 10);
  const std::size_t in_trouble = pod.bytes_after(100s);
  CHECK(in_trouble > healthy);
  CHECK(in_trouble <=
        healthy + PortHistory::kMaxPortBytes - sizeof(PortHistory) + KernelHistory::kMovingBytes);
  pod.pod.in(8080).waits(CloseWaitCause::not_closed, 0).receive_queue(0).queue(0);
  pod.pod.grows("active_opens", 0);
  CHECK(pod.bytes_after(20min) == healthy);
}

TEST_CASE("Without owners nobody is blind: a container may not see the host's cgroup tree") {
  Host host;
  host.statuses.push_back({.source = "owners", .success = false, .attempts = 1});
  CHECK(host.run(60s)->found.empty());
}

TEST_CASE("A source that has nothing to do makes nobody blind") {
  Host host;
  host.statuses.push_back({.source = "listeners", .success = false, .attempts = 1});
  CHECK(names_of(*host.run(60s)) == Names{"warning blind"});
  host.statuses.back().idle = true;
  CHECK(host.sample()->found.empty());
  host.statuses.back() = {.source = "namespaces"};  // never attempted
  CHECK(host.examine()->found.empty());
}

}  // namespace sockdiag::test
