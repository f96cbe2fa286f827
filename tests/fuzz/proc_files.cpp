// SPDX-License-Identifier: Apache-2.0

// The kernel's text files. The first byte says which of them has the text; the others are as on a
// healthy host.

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "generated_input.hpp"
#include "procfs/proc_values.hpp"
#include "sockdiag/metrics/metric_families.hpp"
#include "sockdiag/procfs/kernel_value_reader.hpp"
#include "sockdiag/procfs/process_stats.hpp"
#include "sockdiag/procfs/sysctl.hpp"

namespace sockdiag::test {
namespace {

namespace fs = std::filesystem;

struct File {
  const char* path;
  const char* healthy;
};

constexpr auto kFiles = std::to_array<File>(
    {{"thread-self/net/netstat",
      "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 0 1 2\n"},
     {"thread-self/net/snmp", "Tcp: RtoMin ActiveOpens PassiveOpens\nTcp: 200 1 2\n"},
     {"thread-self/net/sockstat", "TCP: inuse 5 orphan 0 tw 1 alloc 6 mem 2\n"},
     {"thread-self/net/sockstat6", "TCP6: inuse 3\n"},
     {"sys/net/ipv4/tcp_mem", "1 2 3\n"},
     {"sys/net/ipv4/tcp_max_orphans", "65536\n"},
     {"sys/net/ipv4/tcp_max_tw_buckets", "65536\n"},
     {"sys/net/ipv4/ip_local_port_range", "32768\t60999\n"},
     {"sys/net/ipv4/ip_local_reserved_ports", "8080,9000-9010\n"},
     {"sys/net/ipv4/tcp_tw_timeout", "60\n"},
     {"self/stat", "42 (a) S 1 1 1 0 -1 0 1 2 3 4 150 50 0 0 20 0 7 0 1000 4096000 25 1\n"},
     {"stat", "cpu 1 2 3\nbtime 1700000000\n"}});

class Proc {
 public:
  Proc() {
    for (const File& file : kFiles) {
      fs::create_directories((root / file.path).parent_path());
      write(file.path, file.healthy);
    }
    fs::create_directories(root / "self/fd");
  }
  Proc(const Proc&) = delete;
  Proc& operator=(const Proc&) = delete;
  ~Proc() { fs::remove_all(root); }

  void write(const char* path, std::string_view text) const {
    std::ofstream(root / path, std::ios::binary) << text;
  }

  // In memory: each execution writes a file twice.
  const fs::path root = fs::path("/dev/shm") / ("sockdiag_fuzz_" + std::to_string(::getpid()));
};

template <typename Read>
void read_or_refuse(Read read) {
  try {
    static_cast<void>(read());
  } catch (const std::runtime_error& error) {
    require(std::string_view(error.what()).starts_with("reading /"), "an error names its file");
  }
}

void read_all(const fs::path& proc) {
  const KernelValues values = read_kernel_values(proc);
  require(values.values.size() == kernel_value_rows().size(), "each row has its value or none");
  require(values.problems.size() < 100, "a file of nonsense does not fill the log");
  require_exposition(render(values));
  read_or_refuse([&] { return read_listen_drops(proc); });
  read_or_refuse([&] { return read_sockstat_sockets(proc); });
  read_or_refuse([&] {
    const PortRange range = read_ephemeral_range(proc);
    require(range.first <= range.last, "a range begins before it ends");
    return range;
  });
  read_or_refuse([&] { return read_reserved_ports(proc); });
  read_or_refuse([&] { return read_time_wait_length(proc); });
  static_cast<void>(read_process_stats(proc));
  static_cast<void>(read_process_start_time(proc));
}

void parse_alone(const std::string& text) {
  FileProblems problems("/proc/net/any");
  static_cast<void>(parse_line_pairs(text, problems));
  static_cast<void>(parse_sockstat(text, problems));
  static_cast<void>(parse_sysctl(text, problems));
  std::vector<std::string> lines;
  problems.append_to(lines);
  require(lines.size() <= 6, "five lines of problems at most, and how many more there are");
}

}  // namespace
}  // namespace sockdiag::test

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace sockdiag::test;
  static const Proc proc;
  GeneratedInput input(bytes, size);
  const File& file = kFiles[input.take_below(kFiles.size())];
  const std::string text = input.take_rest();
  parse_alone(text);
  proc.write(file.path, text);
  read_all(proc.root);
  proc.write(file.path, file.healthy);
  return 0;
}
