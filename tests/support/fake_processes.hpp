// SPDX-License-Identifier: Apache-2.0
#pragma once

// A /proc of a test's own whose processes are in network namespaces: those of one share the inode
// of net/tcp, as hard links do.

#include <cstdint>
#include <filesystem>
#include <string>

#include "support/fake_proc.hpp"

namespace sockdiag::test {

// What the kernel counts of a namespace.
struct FakeCounters {
  std::uint64_t listen_drops = 0;
  std::uint64_t active_opens = 0;
  std::uint64_t connected = 0;
  std::uint64_t open = 0;
  std::uint64_t open_ipv6 = 0;
  std::uint64_t time_wait = 0;
};

class FakeProcesses : public FakeProc {
 public:
  FakeProcesses& process(const std::string& pid, const std::string& netns,
                         const std::string& cgroup = "/") {
    write("namespaces/" + netns, "");
    write(pid + "/cgroup", "0::" + cgroup + "\n");
    std::filesystem::create_directories(root() / pid / "net");
    std::filesystem::remove(root() / pid / "net/tcp");
    std::filesystem::create_hard_link(root() / "namespaces" / netns, root() / pid / "net/tcp");
    return *this;
  }

  FakeProcesses& counts(const std::string& pid, const FakeCounters& counters) {
    const auto text = [](std::uint64_t number) { return std::to_string(number); };
    write(pid + "/net/netstat", "TcpExt: TW ListenDrops\nTcpExt: 1 " + text(counters.listen_drops) +
                                    "\nIpExt: InNoRoutes\nIpExt: 1\n");
    write(pid + "/net/snmp", "Tcp: MaxConn ActiveOpens CurrEstab\nTcp: -1 " +
                                 text(counters.active_opens) + " " + text(counters.connected) +
                                 "\n");
    write(pid + "/net/sockstat", "TCP: inuse " + text(counters.open) + " orphan 7 tw " +
                                     text(counters.time_wait) + " alloc 8 mem 9\n");
    write(pid + "/net/sockstat6", "TCP6: inuse " + text(counters.open_ipv6) + "\n");
    return *this;
  }
};

}  // namespace sockdiag::test
