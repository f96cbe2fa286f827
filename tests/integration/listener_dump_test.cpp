// SPDX-License-Identifier: Apache-2.0

// The dump of listeners alone, on the real kernel: its drops are those of the kernel's counters.

#include <fstream>
#include <sstream>

#include "sockdiag/netlink/kernel_channel.hpp"
#include "sockdiag/netlink/tcp_dumper.hpp"
#include "support/catch.hpp"
#include "support/connection_states.hpp"
#include "support/network_namespace.hpp"

namespace sockdiag::test {
namespace {

// TcpExt's ListenDrops: a line of names, then one of values.
std::uint64_t listen_drops() {
  std::ifstream file("/proc/thread-self/net/netstat");
  std::string names;
  std::string values;
  std::getline(file, names);
  std::getline(file, values);
  std::istringstream name_words(names);
  std::istringstream value_words(values);
  std::string name;
  std::string value;
  while (name_words >> name && value_words >> value) {
    if (name == "ListenDrops") return std::stoull(value);
  }
  throw std::runtime_error("no ListenDrops in netstat");
}

std::vector<SocketRecord> dumped_listeners() {
  TcpDumper dumper([] { return open_kernel_channel(std::chrono::seconds(5)); });
  std::vector<SocketRecord> records;
  dumper.dump_listeners([&](const SocketRecord& record) { records.push_back(record); });
  return records;
}

}  // namespace

TEST_CASE("A listener whose queue overflows shows its drops, and connections are left out") {
  const NetworkNamespace fresh;
  const auto address = SocketAddress{"127.0.0.1", 2000};
  const auto listener = listen_on(address, {.backlog = 1});
  std::vector<FileDescriptor> clients;
  for (int i = 0; i < 2; ++i) clients.push_back(connect_to(address));
  wait_for_accept_queue(listener, 2);
  clients.push_back(connect_to(address, {.wait = false}));
  wait_until("a SYN is dropped", [] { return listen_drops() > 0; });

  std::vector<SocketRecord> records;
  wait_until("no SYN is dropped while the listeners are dumped", [&] {
    const auto before = listen_drops();
    records = dumped_listeners();
    return listen_drops() == before && records.size() == 1 && records[0].drops == before;
  });
  CHECK(records[0].local_port == 2000);
  CHECK(records[0].receive_queue == 2);
  CHECK(records[0].send_queue == 1);
}

}  // namespace sockdiag::test
