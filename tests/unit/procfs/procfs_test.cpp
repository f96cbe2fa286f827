// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <array>
#include <sstream>

#include "sockdiag/procfs/kernel_value_reader.hpp"
#include "sockdiag/procfs/process_stats.hpp"
#include "sockdiag/procfs/sysctl.hpp"
#include "sockdiag/tally/ephemeral_ports.hpp"
#include "support/catch.hpp"
#include "support/fake_processes.hpp"

namespace sockdiag::test {
namespace {

constexpr char kRange[] = "sys/net/ipv4/ip_local_port_range";
constexpr char kTimeWaitLength[] = "sys/net/ipv4/tcp_tw_timeout";
constexpr char kReserved[] = "sys/net/ipv4/ip_local_reserved_ports";
// The numbers of proc(5): 14 and 15 are the ticks, 20 the threads, 22 the start, 23 and 24 memory.
constexpr char kStat[] =
    "42 (a (b) c) S 1 1 1 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 7 0 1000 4096000 25 18446744\n";

std::uint64_t listen_drops_of(const std::string& netstat) {
  FakeProc proc;
  return read_listen_drops(proc.write("thread-self/net/netstat", netstat).root());
}

}  // namespace

TEST_CASE("ListenDrops is read wherever it stands, from this kernel too") {
  CHECK(listen_drops_of("TcpExt: TW ListenDrops\nTcpExt: 1 18446744073709551615\n") ==
        18446744073709551615U);
  CHECK(listen_drops_of("IpExt: ListenDrops\nIpExt: 9\nTcpExt: ListenDrops TW\nTcpExt: 7 1\n") ==
        7);
  CHECK_NOTHROW(read_listen_drops());
}

TEST_CASE("What the kernel counts of a process's namespace is read, and nothing of the host") {
  FakeProcesses proc;
  proc.process("9", "a").counts("9", {.listen_drops = 3,
                                      .active_opens = 4,
                                      .connected = 5,
                                      .open = 6,
                                      .open_ipv6 = 10,
                                      .time_wait = 20});
  const NamespaceCounters counters = read_namespace_counters(proc.root() / "9");
  CHECK(counters.open == 16);
  CHECK(counters.connected == 5);
  CHECK(counters.time_wait == 20);
  CHECK(counters.kernel.problems.empty());
  const auto rows = kernel_value_rows();
  REQUIRE(counters.kernel.values.size() == rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CAPTURE(rows[i].metric);
    if (rows[i].field == "ListenDrops") CHECK(counters.kernel.values[i] == 3);
    if (rows[i].field == "ActiveOpens") CHECK(counters.kernel.values[i] == 4);
    if (rows[i].type == ValueType::gauge) CHECK_FALSE(counters.kernel.values[i].has_value());
  }
  CHECK(read_listen_drops_of(proc.root() / "9") == 3);
  CHECK(read_sockstat_sockets_of(proc.root() / "9") == 36);
}

TEST_CASE("A file that a process's namespace lacks is named") {
  for (const std::string file : {"netstat", "snmp", "sockstat"}) {
    FakeProcesses proc;
    proc.process("9", "a").counts("9", {}).remove("9/net/" + file);
    CHECK_THROWS_WITH(read_namespace_counters(proc.root() / "9"),
                      contains_text("/9/net/" + file + ": No such file or directory"));
  }
}

TEST_CASE("A netstat that does not tell ListenDrops is refused by its name") {
  for (const char* text :
       {"", "TcpExt: ListenDrops", "TcpExt: TW\nTcpExt: 1", "IpExt: ListenDrops\nIpExt: 9",
        "TcpExt: ListenDrops\nIpExt: 9", "TcpExt: TW ListenDrops\nTcpExt: 1",
        "TcpExt: ListenDrops\nTcpExt: 1 2", "TcpExt: ListenDrops\nTcpExt: -1",
        "TcpExt: ListenDrops\nTcpExt: 1x", "TcpExt: ListenDrops\nTcpExt: 18446744073709551616"}) {
    CAPTURE(text);
    CHECK_THROWS_WITH(listen_drops_of(std::string(text) + "\n"),
                      contains_text("net/netstat: expected an unsigned number as TcpExt "
                                    "ListenDrops"));
  }
  CHECK_THROWS_WITH(listen_drops_of("TcpExt: ListenDrops\nTcpExt: 12"),
                    contains_text("expected whole lines"));
  CHECK_THROWS_WITH(read_listen_drops("/nowhere"), contains_text("No such file or directory"));
}

TEST_CASE("The ephemeral range is read, from this kernel too") {
  FakeProc proc;
  CHECK(read_ephemeral_range(proc.write(kRange, "1024\t65535\n").root()) == PortRange{1024, 65535});
  CHECK(read_ephemeral_range().first > 0);
}

TEST_CASE("An ephemeral range that makes no sense is refused by its file's name") {
  for (const char* text : {"", "x y", "1024", "0 5", "5 4", "1 65536", "-1 5", "1 2 3"}) {
    CAPTURE(text);
    FakeProc proc;
    CHECK_THROWS_WITH(read_ephemeral_range(proc.write(kRange, std::string(text) + "\n").root()),
                      contains_text("ip_local_port_range"));
  }
  CHECK_THROWS_WITH(read_ephemeral_range("/nowhere"), contains_text("No such file or directory"));
}

TEST_CASE("Reserved ports are read one by one and by range, from this kernel too") {
  using Ranges = std::vector<PortRange>;
  FakeProc proc;
  CHECK(read_reserved_ports(proc.write(kReserved, "\n").root()).empty());
  CHECK(read_reserved_ports(proc.write(kReserved, "80,1000,1010-1019\n").root()) ==
        Ranges{{80, 80}, {1000, 1000}, {1010, 1019}});
  CHECK(read_reserved_ports(proc.write(kReserved, "0-1023\n").root()) == Ranges{{0, 1023}});
  std::ostringstream many;
  for (int port = 1; port < 65535; port += 2) many << port << ',';
  many << "65535\n";
  CHECK(read_reserved_ports(proc.write(kReserved, many.str()).root()).size() == 32768);
  CHECK_NOTHROW(read_reserved_ports());
}

TEST_CASE("Reserved ports that make no sense are refused by their file's name") {
  for (const char* text : {"x", "1,,2", "65536", "5-4", "1-2-3", "1 2", "-5", "5-", "5+6"}) {
    CAPTURE(text);
    FakeProc proc;
    CHECK_THROWS_WITH(read_reserved_ports(proc.write(kReserved, std::string(text) + "\n").root()),
                      contains_text("ip_local_reserved_ports"));
  }
  CHECK_THROWS_WITH(read_reserved_ports("/nowhere"), contains_text("No such file or directory"));
  FakeProc proc;
  CHECK_THROWS_WITH(read_reserved_ports(proc.write(kReserved, "80,44").root()),
                    contains_text("expected whole lines"));
}

TEST_CASE("Reserved ports are not ephemeral, wherever they lie") {
  const EphemeralPorts ports(
      {1000, 1099}, std::vector<PortRange>{{80, 80}, {1000, 1000}, {1010, 1019}, {1099, 2000}});
  CHECK(ports.is_known());
  CHECK(ports.size() == 100 - 1 - 10 - 1);
  CHECK(ports.contains(1001));
  for (const std::uint16_t port :
       std::to_array<std::uint16_t>({1000, 1010, 1019, 1099, 999, 1100})) {
    CAPTURE(port);
    CHECK_FALSE(ports.contains(port));
  }
  const EphemeralPorts unknown({1000, 1099}, std::nullopt);
  CHECK_FALSE(unknown.is_known());
  CHECK(unknown.contains(1099));
  CHECK_FALSE(unknown.contains(1100));
}

TEST_CASE("How long TIME_WAIT lasts is read where the kernel lets it be set") {
  FakeProc proc;
  CHECK_FALSE(read_time_wait_length(proc.root()));
  for (const int seconds : {1, 5, 60, 600}) {
    proc.write(kTimeWaitLength, std::to_string(seconds) + "\n");
    CHECK(read_time_wait_length(proc.root()) == std::chrono::seconds(seconds));
  }
  CHECK_NOTHROW(read_time_wait_length());
}

TEST_CASE("A length of TIME_WAIT that makes no sense is refused by its file's name") {
  for (const char* text : {"", "x", "0", "-5", "601", "60000", "5 6", "5s", "99999999999"}) {
    CAPTURE(text);
    FakeProc proc;
    proc.write(kTimeWaitLength, std::string(text) + "\n");
    CHECK_THROWS_WITH(read_time_wait_length(proc.root()),
                      contains_text("tcp_tw_timeout: expected seconds from 1 to 600"));
  }
  FakeProc proc;
  CHECK_THROWS_WITH(read_time_wait_length(proc.make_directory(kTimeWaitLength).root()),
                    contains_text("tcp_tw_timeout: Is a directory"));
}

TEST_CASE("The process's numbers are read by their place, whatever its name") {
  FakeProc proc;
  proc.write("self/stat", kStat).write("stat", "cpu 1 2\nbtime 1000000\n").write("self/fd/0", "");
  const auto stats = read_process_stats(proc.root());
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  CHECK(stats.cpu_seconds == 200 / ticks);
  CHECK(stats.threads == 7U);
  CHECK(stats.virtual_memory_bytes == 4096000U);
  CHECK(stats.resident_memory_bytes == 25U * static_cast<std::uint64_t>(::getpagesize()));
  CHECK(stats.open_fds == 0U);
  CHECK(stats.max_fds.has_value());
  CHECK(read_process_start_time(proc.root()) == 1000000 + 1000 / ticks);
}

TEST_CASE("What cannot be read is absent") {
  const auto stats = read_process_stats("/nowhere");
  CHECK_FALSE(stats.cpu_seconds);
  CHECK_FALSE(stats.threads);
  CHECK_FALSE(stats.resident_memory_bytes);
  CHECK_FALSE(stats.open_fds);
  CHECK_FALSE(read_process_start_time("/nowhere"));
  FakeProc proc;
  CHECK_FALSE(read_process_stats(proc.write("self/stat", "42 (x) S 1").root()).threads);
}

TEST_CASE("This process has numbers") {
  const auto stats = read_process_stats();
  CHECK(stats.open_fds.value_or(0) >= 3);
  CHECK(stats.resident_memory_bytes.value_or(0) > 100'000);
  CHECK(read_process_start_time().value_or(0) > 1.6e9);
}

}  // namespace sockdiag::test
