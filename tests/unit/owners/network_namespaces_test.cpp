// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/owners/network_namespaces.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "support/catch.hpp"
#include "support/fake_processes.hpp"

namespace sockdiag::test {
namespace {

using Pids = std::vector<std::int32_t>;

std::vector<NetworkNamespace> find_all(const FakeProc& proc) {
  NamespaceSearch search(proc.root());
  REQUIRE(search.go_on([] { return false; }));
  return search.found();
}

Owner owner_of_fake_cgroup(const std::string& path) {
  static const std::map<std::string, Owner> kOwners = {
      {"/pause",
       {.labels = {.container = "1234", .pod_uid = "u1"}, .pod_uid = "u1", .container_id = "1234"}},
      {"/app",
       {.labels = {.kubernetes_namespace = "shop", .pod = "cart", .container = "app"},
        .pod_uid = "u1",
        .container_id = "5678"}},
      {"/other",
       {.labels = {.kubernetes_namespace = "shop", .pod = "till", .container = "app"},
        .pod_uid = "u2"}},
      {"/docker", {.labels = {.container = "abcd"}, .container_id = "abcdef"}},
      {"/unit", {.labels = {.unit = "web.service"}}}};
  const auto found = kOwners.find(path);
  return found == kOwners.end() ? Owner{} : found->second;
}

OwnerLabels labels_of(const FakeProc& proc) {
  const auto found = find_all(proc);
  REQUIRE(found.size() == 1);
  const auto owner = owner_of(found.front(), proc.root(), owner_of_fake_cgroup);
  REQUIRE(owner.has_value());
  return owner->labels;
}

}  // namespace

TEST_CASE("Processes are grouped by the inode of their net/tcp, the lowest first", "[namespaces]") {
  FakeProcesses proc;
  proc.process("4000000", "a").process("77", "b").process("9", "a").process("100", "b");
  proc.write("self/net/tcp", "").write("12x/net/tcp", "").write("-3/net/tcp", "");
  proc.write("stat", "").write("55/cgroup", "0::/\n");
  const auto found = find_all(proc);
  REQUIRE(found.size() == 2);
  CHECK(found[0].pids == Pids{9, 4000000});
  CHECK(found[1].pids == Pids{77, 100});
  CHECK(found[0].inode == network_namespace_of(proc.root() / "9"));
}

TEST_CASE("One's own namespace is left out, through which mount of proc it is seen",
          "[namespaces]") {
  FakeProcesses proc;
  proc.process("9", "a");
  std::filesystem::create_directories(proc.root() / "10/net");
  std::filesystem::create_symlink("/proc/self/net/tcp", proc.root() / "10/net/tcp");
  CHECK(find_all(proc).size() == 1);
}

TEST_CASE("A search stops when its time is up and goes on from there", "[namespaces]") {
  FakeProcesses proc;
  for (int pid = 1; pid <= 100; ++pid) proc.process(std::to_string(pid), std::to_string(pid));
  NamespaceSearch search(proc.root());
  int steps = 0;
  const auto one_at_a_time = [calls = 0]() mutable { return calls++ % 2 == 1; };
  auto is_time_up = std::function<bool()>(one_at_a_time);
  while (!search.go_on(is_time_up)) ++steps;
  CHECK(steps >= 3);
  CHECK(search.found().size() == 100);
}

TEST_CASE("Many processes of one namespace take no more room than a few", "[namespaces]") {
  FakeProcesses proc;
  for (int pid = 1; pid <= 20; ++pid) proc.process(std::to_string(pid), "a");
  CHECK(find_all(proc).front().pids.size() == NetworkNamespace::kMaxPids);
}

TEST_CASE("A folder that cannot be listed is named", "[namespaces]") {
  CHECK_THROWS_WITH(NamespaceSearch("/nowhere"),
                    contains_text("reading /nowhere: No such file or directory"));
}

TEST_CASE("The cgroup of a process is that of the v2 tree, or systemd's", "[namespaces]") {
  CHECK(cgroup_path_in("0::/a.slice/b.service\n") == "/a.slice/b.service");
  CHECK(cgroup_path_in("5:cpu,cpuacct:/x\n1:name=systemd:/y\n0::/z\n") == "/z");
  CHECK(cgroup_path_in("5:cpu,cpuacct:/x\n1:name=systemd:/y\n0::/\n") == "/y");
  CHECK(cgroup_path_in("5:cpu,cpuacct:/x\n1:name=systemd:/y:z\n") == "/y:z");
  CHECK(cgroup_path_in("0::/\n") == "/");
  CHECK(cgroup_path_in("5:cpu:/x\n").empty());
  CHECK(cgroup_path_in("0::").empty());
  CHECK(cgroup_path_in("").empty());
  CHECK(cgroup_path_in("garbage\n0::/a").size() == 2);
}

TEST_CASE("The first process tells the owner", "[namespaces]") {
  FakeProcesses proc;
  proc.process("8", "a", "/docker").process("9", "a", "/unit");
  CHECK(labels_of(proc) == OwnerLabels{.container = "abcd"});
}

TEST_CASE("A pod's namespace is the pod's, named by any of its containers", "[namespaces]") {
  FakeProcesses proc;
  proc.process("8", "a", "/pause");
  CHECK(labels_of(proc) == OwnerLabels{.pod_uid = "u1"});
  proc.process("9", "a", "/other").process("10", "a", "/unit").process("11", "a", "/app");
  CHECK(labels_of(proc) == OwnerLabels{.kubernetes_namespace = "shop", .pod = "cart"});
}

TEST_CASE("A namespace without an owner has a label all the same", "[namespaces]") {
  FakeProcesses proc;
  proc.process("8", "a", "/");
  CHECK(labels_of(proc) == OwnerLabels{.unit = "none"});
}

TEST_CASE("A namespace whose processes have ended has no owner", "[namespaces]") {
  FakeProcesses proc;
  proc.process("8", "a", "/unit");
  const auto found = find_all(proc);
  proc.remove("8");
  CHECK(network_namespace_of(proc.root() / "8") == std::nullopt);
  CHECK(owner_of(found.front(), proc.root(), owner_of_fake_cgroup) == std::nullopt);
}

TEST_CASE("The host's processes are searched without an error", "[namespaces]") {
  NamespaceSearch search("/proc");
  REQUIRE(search.go_on([] { return false; }));
  for (const NetworkNamespace& each : search.found()) {
    CHECK(each.inode != network_namespace_of("/proc/self"));
  }
}

}  // namespace sockdiag::test
