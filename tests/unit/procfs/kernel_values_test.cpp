// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "sockdiag/procfs/kernel_value_reader.hpp"
#include "support/catch.hpp"
#include "support/fake_proc.hpp"

namespace sockdiag::test {
namespace {

using Value = std::optional<std::uint64_t>;
constexpr Value kAbsent;

constexpr std::uint64_t kMost = 18446744073709551615U;

constexpr char kNetstat[] = "thread-self/net/netstat";
constexpr char kSnmp[] = "thread-self/net/snmp";
constexpr char kSockstat[] = "thread-self/net/sockstat";
constexpr char kSockstat6[] = "thread-self/net/sockstat6";
constexpr char kIpv6Addresses[] = "thread-self/net/if_inet6";
constexpr char kMaxOrphans[] = "sys/net/ipv4/tcp_max_orphans";
constexpr char kMemory[] = "sys/net/ipv4/tcp_mem";
constexpr char kMaxTimeWaits[] = "sys/net/ipv4/tcp_max_tw_buckets";

// Linux 6.18, some columns left out; each number that is read is another.
constexpr char kNetstatText[] =
    "TcpExt: SyncookiesSent SyncookiesRecv SyncookiesFailed EmbryonicRsts TW ListenOverflows "
    "ListenDrops TCPHPHits TCPAbortOnMemory TCPAbortOnTimeout TCPTimeWaitOverflow "
    "TCPReqQFullDoCookies TCPReqQFullDrop TCPRetransFail TCPSynRetrans TCPAODroppedIcmps\n"
    "TcpExt: 283 7 12 8 100 18 29 2 41 0 116379 284 5 0 39 0\n"
    "IpExt: InNoRoutes InTruncatedPkts InMcastPkts\n"
    "IpExt: 0 0 6\n"
    "MPTcpExt: MPCapableSYNRX MPCurrEstab Blackhole\n"
    "MPTcpExt: 0 0 0\n";
constexpr char kSnmpText[] =
    "Ip: Forwarding DefaultTTL InReceives\n"
    "Ip: 2 64 1226\n"
    "IcmpMsg: InType3\n"
    "IcmpMsg: 1\n"
    "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets "
    "CurrEstab InSegs\n"
    "Tcp: 1 200 120000 -1 15 22 3 4 2 1193\n"
    "Udp: InDatagrams NoPorts InErrors\n"
    "Udp: 32 0 0\n";
constexpr char kSockstatText[] =
    "sockets: used 12\n"
    "TCP: inuse 9 orphan 6 tw 20 alloc 11 mem 187\n"
    "UDP: inuse 0 mem 0\n"
    "UDPLITE: inuse 0\n"
    "RAW: inuse 0\n"
    "FRAG: inuse 0 memory 0\n";
constexpr char kSockstat6Text[] =
    "TCP6: inuse 300\n"
    "UDP6: inuse 1\n"
    "UDPLITE6: inuse 0\n"
    "RAW6: inuse 0\n"
    "FRAG6: inuse 0 memory 0\n";

// The initial network namespace's.
class KernelProc : public FakeProc {
 public:
  KernelProc() {
    write(kNetstat, kNetstatText).write(kSnmp, kSnmpText);
    write(kSockstat, kSockstatText).write(kSockstat6, kSockstat6Text);
    write(kIpv6Addresses, "");
    write(kMaxOrphans, "131072\n").write(kMemory, "287901\t383868\t575802\n");
    write(kMaxTimeWaits, "65536\n");
  }

  KernelProc& says(const std::string& file, const std::string& text) {
    write(file, text);
    return *this;
  }
  [[nodiscard]] KernelValues read() const { return read_kernel_values(root()); }
};

std::uint64_t page_bytes() { return static_cast<std::uint64_t>(::getpagesize()); }

Value value_of(const KernelValues& read, const std::string& metric) {
  const auto rows = kernel_value_rows();
  REQUIRE(read.values.size() == rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].metric == "sockdiag_tcp_" + metric) return read.values[i];
  }
  FAIL("no metric sockdiag_tcp_" << metric);
  return std::nullopt;
}

// The rows of one file that have a value.
std::size_t count_present(const KernelValues& read, std::string_view file) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < read.values.size(); ++i) {
    if (kernel_value_rows()[i].file == file && read.values[i]) ++count;
  }
  return count;
}

std::size_t count_rows(std::string_view file) {
  const auto rows = kernel_value_rows();
  return static_cast<std::size_t>(std::count_if(
      rows.begin(), rows.end(), [&](const KernelValueRow& row) { return row.file == file; }));
}

std::size_t count_present(const KernelValues& read) {
  return static_cast<std::size_t>(std::count_if(read.values.begin(), read.values.end(),
                                                [](const Value& value) { return value; }));
}

// Expects one problem, and all values but those of the file. `present` values of the file are there
// all the same.
void expect_loss(const KernelProc& proc, const std::string& file, std::size_t present,
                 const std::string& problem) {
  const KernelValues read = proc.read();
  CHECK(count_present(read, file) == present);
  CHECK(count_present(read) == kernel_value_rows().size() - count_rows(file) + present);
  REQUIRE(read.problems.size() == 1);
  CHECK_THAT(read.problems[0], contains_text((proc.root() / file).string()));
  CHECK_THAT(read.problems[0], contains_text(problem));
}

}  // namespace

TEST_CASE("Every row reads its own number") {
  const std::vector<std::pair<std::string, std::uint64_t>> expected = {
      {"listen_overflows_total", 18},
      {"listen_drops_total", 29},
      {"request_queue_full_drops_total", 5},
      {"request_queue_full_cookies_total", 284},
      {"syncookies_sent_total", 283},
      {"syncookies_failed_total", 12},
      {"time_wait_overflows_total", 116379},
      {"abort_on_memory_total", 41},
      {"syn_retransmits_total", 39},
      {"active_opens_total", 15},
      {"passive_opens_total", 22},
      {"attempt_failures_total", 3},
      {"embryonic_resets_total", 8},
      {"established_resets_total", 4},
      {"orphans", 6},
      {"allocated_sockets", 11},
      {"memory_bytes", 187 * page_bytes()},
      {"orphans_limit", 131072},
      {"memory_pressure_bytes", 383868 * page_bytes()},
      {"memory_limit_bytes", 575802 * page_bytes()},
      {"time_wait_limit_sockets", 65536},
  };
  const KernelValues read = KernelProc().read();
  CHECK(expected.size() == kernel_value_rows().size());
  for (const auto& [metric, value] : expected) {
    CAPTURE(metric);
    CHECK(value_of(read, metric) == value);
  }
  CHECK(read.problems.empty());
}

TEST_CASE("A value is found by its name, and absent where the kernel lacks it") {
  struct Row {
    const char* it;
    const char* file;
    const char* text;
    const char* metric;
    Value value;
  };
  const auto row = GENERATE(values<Row>({
      {"finds a group that is not the first", kNetstat,
       "IpExt: InNoRoutes ListenDrops\nIpExt: 1 2\nTcpExt: ListenDrops\nTcpExt: 3\n",
       "listen_drops_total", 3},
      {"finds fields in another order", kNetstat,
       "TcpExt: ListenDrops TW ListenOverflows\nTcpExt: 1 2 3\n", "listen_overflows_total", 3},
      {"does not take a longer name for its own", kNetstat,
       "TcpExt: TCPSynRetransmitted ListenDrops\nTcpExt: 1 2\n", "syn_retransmits_total", kAbsent},
      {"lacks TCPReqQFullDrop on a kernel without it", kNetstat,
       "TcpExt: ListenOverflows ListenDrops\nTcpExt: 1 2\n", "request_queue_full_drops_total",
       kAbsent},
      {"lacks a group's fields with the group", kSnmp, "Ip: Forwarding\nIp: 2\n",
       "active_opens_total", kAbsent},
      {"reads the largest number", kNetstat, "TcpExt: ListenDrops\nTcpExt: 18446744073709551615\n",
       "listen_drops_total", kMost},
      {"takes another group's fields for nothing", kNetstat, "MPTcpExt: ListenDrops\nMPTcpExt: 3\n",
       "listen_drops_total", kAbsent},
      {"does not mind an unwanted field that is no number", kSnmp,
       "Ip: Forwarding\nIp: ?\nTcp: MaxConn Share ActiveOpens\nTcp: -1 x 7\n", "active_opens_total",
       7},
      {"does not mind a group that comes twice", kSnmp,
       "IcmpMsg: InType3\nIcmpMsg: 1\nIcmpMsg: InType8\nIcmpMsg: 1\nTcp: ActiveOpens\nTcp: 7\n",
       "active_opens_total", 7},
      {"does not mind a group without fields", kNetstat,
       "MPTcpExt:\nMPTcpExt:\nTcpExt: ListenDrops\nTcpExt: 3\n", "listen_drops_total", 3},
      {"finds sockstat's fields in another order", kSockstat,
       "UDP: inuse 1 orphan 2\nTCP: alloc 3 new 4 orphan 5 inuse 6\nsockets: used 7\n", "orphans",
       5},
      {"does not take a field's value for a name", kSockstat, "TCP: inuse orphan orphan 5\n",
       "orphans", 5},
      {"lacks what sockstat lacks", kSockstat, "sockets: used 12\nTCP: inuse 5\n", "memory_bytes",
       kAbsent},
      {"converts pages to bytes up to what 64 bits hold", kMemory, "1 2 9223372036854775807\n",
       "memory_limit_bytes", kMost},
      {"reads a sysctl's numbers between blanks of any kind", kMemory, " x \t 2   3\t4\n",
       "memory_limit_bytes", 3 * page_bytes()},
  }));
  INFO("it " << row.it);
  const KernelValues read = KernelProc().says(row.file, row.text).read();
  CHECK(value_of(read, row.metric) == row.value);
  CHECK(read.problems.empty());
}

TEST_CASE("What makes no sense costs its own rows and is one problem") {
  struct Row {
    const char* it;
    const char* file;
    std::string text;
    std::size_t present;  // rows of the file that have a value all the same
    const char* expected;
  };
  const auto row = GENERATE(values<Row>({
      {"loses an empty file", kNetstat, "", 0, "expected whole lines"},
      {"loses a file of empty lines", kNetstat, "\n\n", 0, "lines of names"},
      {"loses a group without values", kNetstat,
       "TcpExt: ListenDrops\nIpExt: InNoRoutes\nIpExt: 1\n", 0, "got \"TcpExt: ListenDrops\""},
      {"loses a group without names", kNetstat, "TcpExt: 1\nIpExt: InNoRoutes\nIpExt: 1\n", 0,
       "got \"TcpExt: 1\""},
      {"keeps a group after one without values", kNetstat,
       "IpExt: InNoRoutes\nTcpExt: ListenDrops\nTcpExt: 1\n", 1, "got \"IpExt: InNoRoutes\""},
      {"keeps a group before one without values", kNetstat,
       "TcpExt: ListenDrops\nTcpExt: 1\nIpExt: InNoRoutes\n", 1, "got \"IpExt: InNoRoutes\""},
      {"loses a group of fewer values than names", kNetstat,
       "TcpExt: ListenOverflows ListenDrops\nTcpExt: 1\n", 0,
       "as many values as names, got 1 for 2 in \"TcpExt: "},
      {"loses a group of more values than names", kNetstat, "TcpExt: ListenDrops\nTcpExt: 1 2\n", 0,
       "as many values as names, got 2 for 1"},
      {"keeps the groups beside a bad one", kNetstat,
       "IpExt: InNoRoutes\nIpExt: 1 2\nTcpExt: ListenDrops\nTcpExt: 1\n", 1,
       "got 2 for 1 in \"IpExt: InNoRoutes\""},
      {"keeps snmp's Tcp beside a bad Udp", kSnmp,
       "Tcp: ActiveOpens EstabResets\nTcp: 1 2\nUdp: NoPorts\nUdp:\n", 2, "got 0 for 1"},
      {"loses a group without its colon", kNetstat,
       "TcpExt ListenDrops\nIpExt: InNoRoutes\nIpExt: 1\n", 0, "lines of names"},
      {"keeps the groups after a blank line", kNetstat, " \nTcpExt: ListenDrops\nTcpExt: 1\n", 1,
       "lines of names"},
      {"loses a file whose last line is cut short", kNetstat,
       "TcpExt: ListenOverflows ListenDrops\nTcpExt: 1 22", 0, "expected whole lines"},
      {"keeps the rows beside a word for a number", kNetstat,
       "TcpExt: ListenOverflows ListenDrops\nTcpExt: 1 x\n", 1,
       "an unsigned number as TcpExt ListenDrops, got \"x\""},
      {"loses a negative number", kNetstat, "TcpExt: ListenOverflows ListenDrops\nTcpExt: 1 -1\n",
       1, "TcpExt ListenDrops, got \"-1\""},
      {"loses a number with a sign", kNetstat, "TcpExt: ListenDrops\nTcpExt: +1\n", 0,
       "TcpExt ListenDrops"},
      {"loses a number with something behind it", kNetstat, "TcpExt: ListenDrops\nTcpExt: 1kB\n", 0,
       "TcpExt ListenDrops"},
      {"loses hexadecimal", kNetstat, "TcpExt: ListenDrops\nTcpExt: 0x1\n", 0,
       "TcpExt ListenDrops"},
      {"loses a number beyond 64 bits", kNetstat,
       "TcpExt: ListenOverflows ListenDrops\nTcpExt: 1 18446744073709551616\n", 1,
       "TcpExt ListenDrops"},
      {"quotes the beginning of what is long", kNetstat,
       "TcpExt: ListenDrops\nTcpExt: " + std::string(100'000, '9') + "\n", 0,
       "got \"9999999999999999999999999999999999999999... (the first 40 of 100000 characters)\""},
      {"loses a file of more than 1 MiB", kNetstat,
       "TcpExt: ListenDrops\nTcpExt: 1\n" + std::string(1U << 20U, '\n'), 0, "1 MiB"},
      {"keeps orphan and alloc beside a negative mem", kSockstat,
       "TCP: inuse 9 orphan 6 tw 20 alloc 11 mem -3\n", 2, "as TCP mem, got \"-3\""},
      {"keeps the other rows beside a word for a number in sockstat", kSockstat,
       "TCP: alloc 5 orphan many mem 1\n", 2, "as TCP orphan, got \"many\""},
      {"loses a line of sockstat with a name without a value", kSockstat,
       "UDP: inuse 1\nTCP: inuse 5 orphan\n", 0, "pairs of name and value, got \"TCP: inuse"},
      {"keeps TCP beside a bad UDP", kSockstat, "UDP: inuse\nTCP: orphan 5 alloc 6 mem 7\n", 3,
       "got \"UDP: inuse\""},
      {"keeps TCP beside a line of sockstat without a group", kSockstat, "TCP: orphan 5\nused 12\n",
       1, "got \"used 12\""},
      {"loses an empty sockstat", kSockstat, "", 0, "expected whole lines"},
      {"loses a sockstat of empty lines", kSockstat, "\n\n", 0, "lines of a group"},
      {"keeps the second number of a tcp_mem without a third", kMemory, "1\t2\n", 1,
       "numbers, 3 at least"},
      {"loses a sysctl without numbers", kMaxOrphans, "\n", 0, "numbers, 1 at least"},
      {"loses a negative sysctl", kMaxOrphans, "-1\n", 0, "an unsigned number, got \"-1\""},
      {"loses a sysctl that is cut short", kMaxTimeWaits, "6553", 0, "expected whole lines"},
  }));
  INFO("it " << row.it);
  expect_loss(KernelProc().says(row.file, row.text), row.file, row.present, row.expected);
}

TEST_CASE("A file of nonsense is a handful of short problems") {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += std::string(100, 'x') + "\n";
  for (const char* file : {kNetstat, kSnmp, kSockstat}) {
    CAPTURE(file);
    KernelProc proc;
    const KernelValues read = proc.says(file, text).read();
    REQUIRE(read.problems.size() == 6);
    for (const std::string& problem : read.problems) {
      CHECK(problem.size() < proc.root().string().size() + 200);
    }
    CHECK_THAT(read.problems.back(), contains_text(std::string(file) + ": 995 more"));
  }
}

TEST_CASE("The thread's files are read where the process has others") {
  KernelProc proc;
  proc.write("self/net/sockstat", "TCP: inuse 1 orphan 2 tw 3 alloc 4 mem 5\n");
  CHECK(value_of(read_kernel_values(proc.root()), "orphans") == 6);
  CHECK(read_sockstat_sockets(proc.root()) == 9 + 20 + 300);
}

TEST_CASE("Without /proc/thread-self the process's files are read") {
  FakeProc proc;
  proc.write("self/net/netstat", kNetstatText).write("self/net/snmp", kSnmpText);
  proc.write("self/net/sockstat", kSockstatText).write("self/net/sockstat6", kSockstat6Text);
  const KernelValues read = read_kernel_values(proc.root());
  CHECK(read.problems.empty());
  CHECK(value_of(read, "listen_overflows_total") == 18);
  CHECK(value_of(read, "active_opens_total") == 15);
  CHECK(value_of(read, "orphans") == 6);
  CHECK(read_sockstat_sockets(proc.root()) == 9 + 20 + 300);
}

TEST_CASE("Every prefix of a file is a problem, or is whole lines of it") {
  for (const auto& [file, text] : {std::pair<std::string, std::string>{kNetstat, kNetstatText},
                                   {kSnmp, kSnmpText},
                                   {kSockstat, kSockstatText},
                                   {kMemory, "287901\t383868\t575802\n"}}) {
    KernelProc proc;
    const KernelValues whole = proc.read();
    for (std::size_t length = 0; length < text.size(); ++length) {
      CAPTURE(file, length);
      const std::string prefix = text.substr(0, length);
      const KernelValues read = proc.says(file, prefix).read();
      if (!prefix.ends_with('\n')) CHECK(read.problems.size() == 1);
      const std::size_t present = count_present(read, file);
      CHECK((present == 0 || present == count_present(whole, file)));
    }
  }
}

TEST_CASE("A missing file is a problem unless it is a sysctl, as in a network namespace") {
  KernelProc proc;
  proc.remove(kMemory).remove(kMaxOrphans);
  const KernelValues in_namespace = proc.read();
  CHECK(in_namespace.problems.empty());
  CHECK_FALSE(value_of(in_namespace, "memory_limit_bytes"));
  CHECK_FALSE(value_of(in_namespace, "orphans_limit"));
  CHECK_FALSE(value_of(in_namespace, "memory_pressure_bytes"));
  CHECK(count_present(in_namespace) == kernel_value_rows().size() - 3);

  for (const char* file : {kNetstat, kSnmp, kSockstat}) {
    CAPTURE(file);
    KernelProc without;
    without.remove(file);
    expect_loss(without, file, 0, std::string(file) + ": No such file or directory");
  }
}

TEST_CASE("A file that cannot be read is a problem, a sysctl too") {
  for (const char* file : {kNetstat, kSnmp, kSockstat, kMaxOrphans, kMemory, kMaxTimeWaits}) {
    CAPTURE(file);
    KernelProc proc;
    proc.make_directory(file);
    expect_loss(proc, file, 0, std::string(file) + ": Is a directory");
  }
  KernelProc proc;
  const KernelValues read = read_kernel_values(proc.remove("sys").write("sys", "").root());
  CHECK(read.problems.size() == 3);
  CHECK_THAT(read.problems.at(0), contains_text("Not a directory"));
}

TEST_CASE("Without a /proc nothing is read and every file that must be there is named") {
  const KernelValues read = read_kernel_values("/nowhere");
  CHECK(read.values.size() == kernel_value_rows().size());
  CHECK(count_present(read) == 0);
  CHECK(read.problems.size() == 3);
}

TEST_CASE("sockstat's sockets are added up over states and families") {
  KernelProc proc;
  CHECK(read_sockstat_sockets(proc.root()) == 9 + 20 + 300);
  const std::string others = "UDP: inuse\nx\nTCP: inuse 9 orphan ? tw 20 alloc -1 mem -3\n";
  CHECK(read_sockstat_sockets(proc.says(kSockstat, others).root()) == 9 + 20 + 300);
}

TEST_CASE(
    "A kernel without IPv6 has no sockstat6, and one whose sockstat6 is hidden is told apart") {
  KernelProc proc;
  CHECK_THROWS_WITH(read_sockstat_sockets(proc.remove(kSockstat6).root()),
                    contains_text("sockstat6: expected, since there is if_inet6"));
  CHECK(read_sockstat_sockets(proc.remove(kIpv6Addresses).root()) == 9 + 20);
}

TEST_CASE("sockstat's sockets are refused where a number is missing or is none") {
  struct Row {
    const char* it;
    const char* file;
    const char* text;
    const char* expected;
  };
  const auto row = GENERATE(values<Row>({
      {"wants TCP inuse", kSockstat, "TCP: tw 1\n", "sockstat: expected TCP inuse"},
      {"wants TCP tw", kSockstat, "TCP: inuse 1\n", "sockstat: expected TCP tw"},
      {"wants numbers", kSockstat, "TCP: inuse 1 tw x\n", "an unsigned number as TCP tw"},
      {"wants pairs", kSockstat, "TCP: inuse 1 tw\n", "sockstat: expected TCP inuse"},
      {"wants whole lines", kSockstat, "TCP: inuse 1 tw 1", "sockstat: expected whole lines"},
      {"wants TCP6 inuse where there is IPv6", kSockstat6, "UDP6: inuse 1\n",
       "sockstat6: expected TCP6 inuse"},
      {"wants numbers of IPv6 too", kSockstat6, "TCP6: inuse -1\n",
       "sockstat6: expected an unsigned number as TCP6 inuse"},
  }));
  INFO("it " << row.it);
  KernelProc proc;
  CHECK_THROWS_WITH(read_sockstat_sockets(proc.write(row.file, row.text).root()),
                    contains_text(row.expected));
}

TEST_CASE("sockstat's sockets are refused where a file cannot be read") {
  CHECK_THROWS_WITH(read_sockstat_sockets("/nowhere"),
                    contains_text("sockstat: No such file or directory"));
  KernelProc proc;
  CHECK_THROWS_WITH(read_sockstat_sockets(proc.make_directory(kSockstat6).root()),
                    contains_text("sockstat6: Is a directory"));
}

TEST_CASE("This kernel's counters are all there") {
  const KernelValues read = read_kernel_values();
  CHECK(read.problems == std::vector<std::string>{});
  for (const char* file : {kNetstat, kSnmp, kSockstat}) {
    CAPTURE(file);
    CHECK(count_rows(file) > 0);
    CHECK(count_present(read, file) == count_rows(file));
  }
  CHECK_NOTHROW(read_sockstat_sockets());
}

TEST_CASE("Kernel metrics are named and explained as Prometheus asks for") {
  std::set<std::string_view> names;
  for (const KernelValueRow& row : kernel_value_rows()) {
    CAPTURE(row.metric, row.help);
    CHECK(names.insert(row.metric).second);
    CHECK(row.metric.starts_with("sockdiag_tcp_"));
    CHECK(row.metric.ends_with("_total") == (row.type == ValueType::counter));
    if (row.unit == ValueUnit::pages) CHECK(row.metric.ends_with("_bytes"));
    CHECK(row.help.ends_with('.'));
    CHECK(row.help.find_first_of("|\n\\") == std::string_view::npos);
    CHECK(row.help.find("  ") == std::string_view::npos);
  }
}

TEST_CASE("What is the whole host's even in a network namespace says so") {
  for (const KernelValueRow& row : kernel_value_rows()) {
    CAPTURE(row.metric);
    const bool host_wide = row.file == kSockstat || row.file == kMaxOrphans || row.file == kMemory;
    CHECK((row.help.find("Host-wide") != std::string_view::npos) == host_wide);
  }
}

TEST_CASE("A row is a sysctl's number or a group's field") {
  for (const KernelValueRow& row : kernel_value_rows()) {
    CAPTURE(row.metric);
    const bool is_sysctl = row.file.starts_with("sys/");
    CHECK(row.group.empty() == is_sysctl);
    CHECK(row.field.empty() == is_sysctl);
    if (!is_sysctl) CHECK(row.position == 0);
  }
}

}  // namespace sockdiag::test
