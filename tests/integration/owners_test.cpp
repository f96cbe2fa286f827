// SPDX-License-Identifier: Apache-2.0

// Whose sockets are, on the real kernel and in its tree of cgroups.

#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "owners/cgroup_tree.hpp"
#include "sockdiag/netlink/kernel_channel.hpp"
#include "sockdiag/netlink/tcp_dumper.hpp"
#include "sockdiag/owners/owner_names.hpp"
#include "support/catch.hpp"
#include "support/connection_states.hpp"
#include "support/network_namespace.hpp"

namespace sockdiag::test {
namespace {

// A cgroup of the test's own, below the root. The process leaves it and it vanishes with the
// object.
class Cgroup {
 public:
  explicit Cgroup(const std::string& name)
      : path_(tree() + "/" + name + "-" + std::to_string(::getpid()) + ".service") {
    std::filesystem::create_directory(path_);
    struct stat status {};
    REQUIRE(::stat(path_.c_str(), &status) == 0);
    id_ = status.st_ino;
  }
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;
  ~Cgroup() { remove(); }

  void enter() const { move_to(path_); }
  void remove() {
    if (path_.empty()) return;
    move_to(tree() + kOwn);
    ::rmdir(path_.c_str());
    path_.clear();
  }
  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
  [[nodiscard]] std::string name() const { return std::filesystem::path(path_).filename(); }

 private:
  static std::string tree() {
    std::string tree = find_cgroup_tree(HostPaths{}.cgroup);
    REQUIRE_FALSE(tree.empty());
    return tree;
  }
  static std::string own() {
    std::ifstream file("/proc/self/cgroup");
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("0::")) return line.substr(3);
    }
    throw std::runtime_error("no cgroup v2 in /proc/self/cgroup");
  }
  static void move_to(const std::string& folder) {
    std::ofstream file(folder + "/cgroup.procs");
    file << ::getpid() << std::flush;
    REQUIRE(file.good());
  }

  inline static const std::string kOwn = own();
  std::string path_;
  std::uint64_t id_ = 0;
};

constexpr std::uint16_t kPort = 2000;
const SocketAddress kAddress{"127.0.0.1", kPort};

// The cgroups of the namespace's sockets: "listener", "server" or "client".
std::map<std::string, std::uint64_t> cgroups() {
  std::map<std::string, std::uint64_t> found;
  TcpDumper dumper([] { return open_kernel_channel(std::chrono::seconds(5)); });
  dumper.dump_all([&](const SocketRecord& record) {
    const bool listens = record.state_number == static_cast<std::uint8_t>(TcpState::listen);
    found[listens ? "listener" : record.local_port == kPort ? "server" : "client"] = record.cgroup;
  });
  return found;
}

std::string unit_of(std::uint64_t cgroup) {
  OwnerNames names{HostPaths{}};
  names.refresh({cgroup});
  REQUIRE(names.sees_tree());
  return names.find(cgroup)->labels.unit;
}

}  // namespace

TEST_CASE("Accepted sockets have the cgroup of their listener, whoever accepts them") {
  const NetworkNamespace fresh;
  Cgroup first("sockdiag-first");
  Cgroup second("sockdiag-second");
  first.enter();
  const auto listener = listen_on(kAddress);
  second.enter();
  const auto client = connect_to(kAddress);
  wait_for_accept_queue(listener, 1);
  const FileDescriptor accepted(::accept(listener.get(), nullptr, nullptr));
  CHECK(cgroups() == std::map<std::string, std::uint64_t>{{"listener", first.id()},
                                                          {"server", first.id()},
                                                          {"client", second.id()}});
  CHECK(unit_of(first.id()) == first.name());
  CHECK(unit_of(second.id()) == second.name());
}

TEST_CASE("A socket keeps its cgroup when that is removed, and its owner is gone") {
  const NetworkNamespace fresh;
  Cgroup cgroup("sockdiag-removed");
  cgroup.enter();
  const auto listener = listen_on(kAddress);
  OwnerNames names{HostPaths{}};
  names.refresh({cgroup.id()});
  const std::string unit = cgroup.name();
  cgroup.remove();
  CHECK(cgroups().at("listener") == cgroup.id());
  CHECK(unit_of(cgroup.id()) == kRemovedCgroup);
  names.refresh({cgroup.id()});
  CHECK(names.find(cgroup.id())->labels.unit == unit);
}

TEST_CASE("The ids of cgroups are the same in another cgroup namespace") {
  const NetworkNamespace fresh;
  Cgroup cgroup("sockdiag-namespace");
  cgroup.enter();
  const auto listener = listen_on(kAddress);
  std::uint64_t seen = 0;
  bool entered = false;
  std::thread([&] {
    entered = ::unshare(CLONE_NEWCGROUP) == 0;
    seen = cgroups().at("listener");
  }).join();
  REQUIRE(entered);
  CHECK(seen == cgroup.id());
}

}  // namespace sockdiag::test
