// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/owners/socket_holders.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sockdiag/core/file_descriptor.hpp"
#include "support/catch.hpp"
#include "support/fake_proc.hpp"

namespace sockdiag::test {
namespace {

constexpr char kLimits[] =
    "Limit                     Soft Limit           Hard Limit           Units     \n"
    "Max processes             7                    8                    processes \n"
    "Max open files            4096                 524288               files     \n";

// Processes of this network namespace, and no cgroups.
class Processes {
 public:
  // Their sockets are the descriptors from 3 on; the three before are none.
  Processes& add(int pid, const std::vector<std::string>& links,
                 const std::string& network = "/proc/self/ns/net") {
    const std::string process = std::to_string(pid);
    proc_.write(process + "/comm", "java\n")
        .write(process + "/limits", kLimits)
        .write(process + "/stat", process + " (a) (b) S 1" + fields_until_start() + " 7777 9\n");
    std::filesystem::create_directories(proc_.root() / process / "fd");
    std::filesystem::create_directories(proc_.root() / process / "ns");
    std::filesystem::create_symlink(network, proc_.root() / process / "ns/net");
    int descriptor = 0;
    for (const char* each : {"/dev/null", "pipe:[100]", "anon_inode:[eventpoll]"}) {
      link(process, descriptor++, each);
    }
    for (const std::string& each : links) link(process, descriptor++, each);
    return *this;
  }
  Processes& write(const std::string& path, const std::string& text) {
    proc_.write(path, text);
    return *this;
  }
  Processes& remove(const std::string& path) {
    proc_.remove(path);
    return *this;
  }

  HolderSearch find(const std::vector<std::uint32_t>& inodes, std::size_t most = 1000) {
    std::vector<SoughtSocket> sockets;
    for (const std::uint32_t inode : inodes) sockets.push_back({inode, 0});
    const HostPaths paths{.procfs = proc_.root(), .cgroup = proc_.root()};
    return find_socket_holders(sockets, paths, most);
  }

 private:
  void link(const std::string& process, int descriptor, const std::string& target) {
    std::filesystem::create_symlink(target,
                                    proc_.root() / process / "fd" / std::to_string(descriptor));
  }
  // Of stat, from the fifth to the one before the start.
  static std::string fields_until_start() {
    std::string fields;
    for (int field = 5; field < 22; ++field) fields += " 0";
    return fields;
  }

  FakeProc proc_;
};

std::vector<std::int32_t> pids_of(const HolderSearch& search) {
  std::vector<std::int32_t> pids;
  for (const SocketHolder& each : search.holders) pids.push_back(each.pid);
  return pids;
}

}  // namespace

TEST_CASE("A process is found by the sockets that its descriptors link to") {
  Processes processes;
  processes.add(10, {"socket:[1]", "socket:[2]", "socket:[77]", "socket:[2]"})
      .add(11, {"socket:[78]", "/tmp/socket:[1]", "socket:[1", "socket:[x]", "socket:[]"});
  const HolderSearch search = processes.find({2, 1, 9});
  REQUIRE(pids_of(search) == std::vector<std::int32_t>{10});
  const SocketHolder& holder = search.holders.front();
  CHECK(holder.inodes == std::vector<std::uint32_t>{1, 2});
  CHECK(holder.name == "java");
  CHECK(holder.started == 7777);
  CHECK(holder.descriptors == 7);
  CHECK(holder.limit == 4096);
  CHECK_FALSE(search.cut);
  CHECK_FALSE(search.refused);
}

TEST_CASE("A socket may have many holders, who are looked for until all sockets are found") {
  Processes processes;
  processes.add(10, {"socket:[1]"}).add(11, {"socket:[1]", "socket:[2]"}).add(12, {});
  CHECK(processes.find({1, 2}).holders.size() >= 1);
  CHECK(processes.find({1, 2, 3}).holders.size() == 2);
}

TEST_CASE("Processes of other network namespaces are not looked into") {
  Processes processes;
  processes.add(10, {"socket:[1]"}, "/proc/self/ns/uts").add(11, {}, "/nowhere");
  CHECK(processes.find({1}).holders.empty());
}

TEST_CASE("No more descriptors are looked at than may be") {
  Processes processes;
  processes.add(10, {"socket:[1]", "socket:[2]"});
  CHECK_FALSE(processes.find({1, 3}, 5).cut);
  CHECK(processes.find({1, 3}, 4).cut);
  for (const SocketHolder& each : processes.find({1, 3}, 4).holders) {
    CHECK_FALSE(each.descriptors);  // never the count of some
  }
}

TEST_CASE("What has ended, or tells nothing of itself, is no error") {
  Processes processes;
  processes.add(10, {"socket:[1]"}).remove("10/comm").remove("10/limits").remove("10/stat");
  const HolderSearch search = processes.find({1, 2});
  REQUIRE(search.holders.size() == 1);
  CHECK(search.holders.front().name.empty());
  CHECK(search.holders.front().started == 0);
  CHECK_FALSE(search.holders.front().limit);
  processes.remove("10/fd");
  CHECK(processes.find({1}).holders.empty());
  CHECK_FALSE(processes.find({1}).refused);
  CHECK(processes.find({}).holders.empty());
}

TEST_CASE("A process without a limit of descriptors has none") {
  Processes processes;
  processes.add(10, {"socket:[1]"})
      .write("10/limits",
             "Max open files            unlimited            unlimited            files\n");
  CHECK_FALSE(processes.find({1}).holders.front().limit);
}

TEST_CASE("This process is found by a socket of its own, with as many descriptors as it has") {
  const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  struct stat status {};
  REQUIRE(::fstat(socket.get(), &status) == 0);
  const HostPaths paths;
  const HolderSearch search =
      find_socket_holders({{static_cast<std::uint32_t>(status.st_ino), 0}}, paths, 10'000'000);
  REQUIRE(pids_of(search) == std::vector<std::int32_t>{::getpid()});
  const SocketHolder& self = search.holders.front();
  CHECK(self.started > 0);
  const auto before = count_descriptors(self, paths);
  if (!before) return;  // Linux before 6.2
  const FileDescriptor another(::dup(socket.get()));
  CHECK(count_descriptors(self, paths) == *before + 1);
  SocketHolder former = self;
  ++former.started;
  CHECK_FALSE(count_descriptors(former, paths));
}

}  // namespace sockdiag::test
