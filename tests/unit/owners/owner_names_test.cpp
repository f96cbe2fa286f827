// SPDX-License-Identifier: Apache-2.0

// Trees of cgroups as plain folders.

#include "sockdiag/owners/owner_names.hpp"

#include <map>

#include "folder.hpp"
#include "owners/cgroup_tree.hpp"
#include "support/catch.hpp"

namespace sockdiag::test {
namespace {

const std::string kApp(64, 'a');
const std::string kPause(64, 'b');
const std::string kDocker(64, 'c');
const std::string kUid = "0a1b2c3d-1111-2222-3333-444455556666";
const std::string kPod = "/kubepods/besteffort/pod" + kUid;

class Host {
 public:
  [[nodiscard]] OwnerNames names(OwnerNames::Tree kind = OwnerNames::Tree::any_folder) const {
    HostPaths paths;
    paths.cgroup = tree.path();
    paths.container_logs = logs.path();
    return OwnerNames(paths, kind);
  }
  Folder tree;
  Folder logs;
};

OwnerLabels labels_of(const OwnerNames& names, std::uint64_t id) {
  const Owner* const owner = names.find(id);
  REQUIRE(owner != nullptr);
  return owner->labels;
}

OwnerLabels unit(std::string_view name) { return {.unit = std::string(name)}; }

}  // namespace

TEST_CASE("Wanted cgroups get the owners of their paths") {
  const Host host;
  const std::uint64_t nginx = host.tree.make("/system.slice/nginx.service");
  const std::uint64_t docker = host.tree.make("/system.slice/docker-" + kDocker + ".scope");
  const std::uint64_t other = host.tree.make("/system.slice/ssh.service");
  OwnerNames names = host.names();
  CHECK(names.find(nginx) == nullptr);
  names.refresh({nginx, docker});
  CHECK(labels_of(names, nginx) == unit("nginx.service"));
  CHECK(labels_of(names, docker).container == kDocker.substr(0, 12));
  CHECK(names.find(docker)->cgroup == "/system.slice/docker-" + kDocker + ".scope");
  CHECK(names.find(other) == nullptr);
  CHECK(names.sees_tree());
  CHECK(names.problem().empty());
}

TEST_CASE("The root cgroup is known without a walk") {
  CHECK(labels_of(Host().names(), 1) == unit(kRootCgroup));
}

TEST_CASE("A cgroup that is not in the tree has been removed, unless it was known") {
  const Host host;
  const std::uint64_t nginx = host.tree.make("/system.slice/nginx.service");
  OwnerNames names = host.names();
  names.refresh({nginx, 99'999'999'999});
  CHECK(labels_of(names, 99'999'999'999) == unit(kRemovedCgroup));
  host.tree.remove("/system.slice/nginx.service");
  names.refresh({nginx});
  CHECK(labels_of(names, nginx) == unit("nginx.service"));
  CHECK(names.find(99'999'999'999) == nullptr);
}

TEST_CASE("A cgroup without sockets at the time of a walk stays known while it is in the tree") {
  const Host host;
  const std::uint64_t nginx = host.tree.make("/system.slice/nginx.service");
  const std::uint64_t ssh = host.tree.make("/system.slice/ssh.service");
  OwnerNames names = host.names();
  names.refresh({nginx});
  names.refresh({ssh});
  CHECK(labels_of(names, nginx) == unit("nginx.service"));
  host.tree.remove("/system.slice/nginx.service");
  names.refresh({ssh});
  CHECK(names.find(nginx) == nullptr);
}

TEST_CASE("An owner exists while a walk finds one of its cgroups") {
  const Host host;
  const std::uint64_t nginx = host.tree.make("/system.slice/nginx.service");
  const std::uint64_t worker = host.tree.make("/system.slice/nginx.service/worker");
  OwnerNames names = host.names();
  CHECK(names.exists(unit("nginx.service")));
  names.refresh({nginx, worker});
  CHECK(names.exists(unit("nginx.service")));
  CHECK(names.exists(unit(kRootCgroup)));
  CHECK_FALSE(names.exists(unit("ssh.service")));
  host.tree.remove("/system.slice/nginx.service/worker");
  names.refresh({nginx, worker});
  CHECK(names.exists(unit("nginx.service")));
  host.tree.remove("/system.slice/nginx.service");
  names.refresh({nginx});
  CHECK(labels_of(names, nginx) == unit("nginx.service"));
  CHECK_FALSE(names.exists(unit("nginx.service")));
}

TEST_CASE("A cgroup in the place of one that was known is known, as that of a restarted unit") {
  const Host host;
  const std::uint64_t before = host.tree.make("/system.slice/nginx.service");
  OwnerNames names = host.names();
  names.refresh({before});
  const std::uint64_t after = host.tree.replace("/system.slice/nginx.service");
  REQUIRE(after != before);
  names.refresh();
  CHECK(labels_of(names, after) == unit("nginx.service"));
  CHECK(names.exists(unit("nginx.service")));
  CHECK(names.find(before) == nullptr);
}

TEST_CASE("A walk that did not see the whole tree does not tell who does not exist") {
  const Host host;
  const std::uint64_t nginx = host.tree.make("/system.slice/nginx.service");
  OwnerNames names = host.names();
  names.refresh({nginx});
  CHECK_FALSE(names.exists(unit("ssh.service")));
  host.tree.remove("");
  std::filesystem::create_symlink(host.tree.path(), host.tree.path());
  names.refresh();
  CHECK_FALSE(names.problem().empty());
  CHECK(names.exists(unit("nginx.service")));
}

TEST_CASE("A walk that did not see the whole tree makes nobody unknown") {
  const Host host;
  const std::uint64_t nginx = host.tree.make("/system.slice/nginx.service");
  const std::uint64_t ssh = host.tree.make("/system.slice/ssh.service");
  OwnerNames names = host.names();
  names.refresh({nginx, ssh});
  const std::string elsewhere = host.tree.path() + ".elsewhere";
  std::filesystem::rename(host.tree.path(), elsewhere);
  std::filesystem::create_symlink(host.tree.path(), host.tree.path());
  names.refresh({ssh});
  CHECK_FALSE(names.problem().empty());
  std::filesystem::remove(host.tree.path());
  std::filesystem::rename(elsewhere, host.tree.path());
  names.refresh({ssh});
  CHECK(labels_of(names, nginx) == unit("nginx.service"));
  CHECK(names.exists(unit("nginx.service")));
}

TEST_CASE("An owner exists while the cgroup above the one of its sockets does") {
  const Host host;
  const std::uint64_t worker = host.tree.make("/system.slice/nginx.service/worker");
  OwnerNames names = host.names();
  names.refresh({worker});
  host.tree.remove("/system.slice/nginx.service/worker");
  names.refresh();
  CHECK(names.exists(unit("nginx.service")));
  host.tree.remove("/system.slice/nginx.service");
  names.refresh();
  CHECK_FALSE(names.exists(unit("nginx.service")));
}

TEST_CASE("Removed cgroups together are an owner that exists") {
  const Host host;
  OwnerNames names = host.names();
  names.refresh({99'999'999'999});
  CHECK(labels_of(names, 99'999'999'999) == unit(kRemovedCgroup));
  CHECK(names.exists(unit(kRemovedCgroup)));
}

TEST_CASE("Pods get their names from the logs of their containers") {
  const Host host;
  const std::uint64_t app = host.tree.make(kPod + "/" + kApp);
  const std::uint64_t pause = host.tree.make(kPod + "/" + kPause);
  host.logs.link("cart-7d9_shop_app-" + kApp + ".log");
  OwnerNames names = host.names();
  names.refresh({app, pause});
  CHECK(labels_of(names, app) ==
        OwnerLabels{.kubernetes_namespace = "shop", .pod = "cart-7d9", .container = "app"});
  CHECK(labels_of(names, pause) == OwnerLabels{.kubernetes_namespace = "shop",
                                               .pod = "cart-7d9",
                                               .container = kPause.substr(0, 12)});
  CHECK(names.find(app)->pod_uid == kUid);
  CHECK(names.owner_of_path("/../.." + kPod).labels ==
        OwnerLabels{.kubernetes_namespace = "shop", .pod = "cart-7d9"});
}

TEST_CASE("A pod without a name has its uid as a label until there is a log") {
  const Host host;
  const std::uint64_t app = host.tree.make(kPod + "/" + kApp);
  OwnerNames names = host.names();
  names.refresh({app});
  CHECK(labels_of(names, app).pod_uid == kUid);
  host.logs.link("cart-7d9_shop_app-" + kApp + ".log");
  names.refresh({app});
  CHECK(labels_of(names, app).pod_uid.empty());
  CHECK(labels_of(names, app).pod == "cart-7d9");
}

TEST_CASE("A folder of logs that is missing is told only where there are pods") {
  const Host host;
  host.logs.remove("");
  OwnerNames names = host.names();
  host.tree.make("/system.slice/nginx.service");
  names.refresh({});
  CHECK(names.problem().empty());
  host.tree.make(kPod + "/" + kApp);
  names.refresh({});
  CHECK_THAT(names.problem(), contains_text("No such file"));
  CHECK(names.sees_tree());
}

TEST_CASE("A path that is no tree of cgroups is told if ids are wanted, and what to mount") {
  const Host host;
  HostPaths paths;
  paths.cgroup = host.tree.path();
  OwnerNames names(paths);
  names.refresh({});
  CHECK(names.sees_tree());
  names.refresh({7});
  CHECK_FALSE(names.sees_tree());
  CHECK(names.find(7) == nullptr);
  CHECK_THAT(names.problem(), contains_text("is not a cgroup2 file system"));
  CHECK_THAT(names.problem(), contains_text("--path.cgroup=/host/cgroup"));
}

TEST_CASE("A part of the tree keeps its names until most of what is wanted is elsewhere") {
  const Host host;
  const std::uint64_t app = host.tree.make("/app");
  OwnerNames names = host.names(OwnerNames::Tree::part_in_any_folder);
  names.refresh({app, 99'999'999'999});
  CHECK(names.sees_tree());
  CHECK(names.problem().empty());
  CHECK(labels_of(names, app) == unit("app"));
  CHECK(labels_of(names, 99'999'999'999) == unit(kFoldedOwners));
  names.refresh({app, 99'999'999'997, 99'999'999'998});
  CHECK_FALSE(names.sees_tree());
  CHECK(names.find(app) == nullptr);
  CHECK_THAT(names.problem(), contains_text("has only a part of the cgroup tree"));
}

TEST_CASE("A walk visits each folder once and follows no link") {
  const Folder tree;
  tree.make("/a/b/c");
  tree.make("/d");
  std::filesystem::create_directory_symlink(tree.path(), tree.path() + "/d/loop");
  std::map<std::string, std::uint64_t> visited;
  const auto visit = [&](std::uint64_t id, std::string_view path) {
    CHECK(visited.emplace(path, id).second);
  };
  CHECK(walk_cgroups(tree.path(), 100, visit).empty());
  CHECK(visited == std::map<std::string, std::uint64_t>{{"/a", tree.inode("/a")},
                                                        {"/a/b", tree.inode("/a/b")},
                                                        {"/a/b/c", tree.inode("/a/b/c")},
                                                        {"/d", tree.inode("/d")}});
}

TEST_CASE("A walk ends at its limit and says so") {
  const Folder tree;
  for (const char* path : {"/a/b/c", "/d/e/f", "/g"}) tree.make(path);
  for (std::size_t most = 0; most < 7; ++most) {
    CAPTURE(most);
    std::size_t visited = 0;
    CHECK_FALSE(walk_cgroups(tree.path(), most, [&](auto, auto) { ++visited; }).empty());
    CHECK(visited == most);
  }
  CHECK(walk_cgroups(tree.path(), 7, [](auto, auto) {}).empty());
}

}  // namespace sockdiag::test
