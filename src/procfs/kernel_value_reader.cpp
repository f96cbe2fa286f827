// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/procfs/kernel_value_reader.hpp"

#include <unistd.h>

#include <array>
#include <limits>
#include <stdexcept>

#include "proc_values.hpp"
#include "sockdiag/procfs/proc_file.hpp"

namespace sockdiag {
namespace {

constexpr std::string_view kNet = "thread-self/net";

using Path = std::filesystem::path;

std::uint64_t pages_to_bytes(std::uint64_t pages) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return pages > kMost / page_bytes ? kMost : pages * page_bytes;
}

std::optional<std::uint64_t> value_of(const KernelValueRow& row, const ProcValues& values,
                                      FileProblems& problems) {
  const ProcValue* const value = find_value(values, row.group, row.field, row.position);
  if (value == nullptr) {
    if (!row.group.empty()) return std::nullopt;
    problems.add("expected unsigned numbers, " + std::to_string(row.position + 1) + " at least");
    return std::nullopt;
  }
  const auto number = parse_number(value->text);
  if (!number) problems.add(expected_number(*value));
  return number && row.unit == ValueUnit::pages ? pages_to_bytes(*number) : number;
}

using Parse = ProcValues (*)(std::string_view content, FileProblems&);

struct SourceFile {
  std::string_view name;
  Parse parse;
  bool required;
};

constexpr SourceFile kNetstatFile{kernel_file::kNetstat, parse_line_pairs, true};
constexpr SourceFile kSnmpFile{kernel_file::kSnmp, parse_line_pairs, true};

constexpr auto kFiles = std::to_array<SourceFile>({
    kNetstatFile,
    kSnmpFile,
    {kernel_file::kSockstat, parse_sockstat, true},
    {kernel_file::kMaxOrphans, parse_sysctl, false},
    {kernel_file::kMemory, parse_sysctl, false},
    {kernel_file::kMaxTimeWaits, parse_sysctl, false},
});

// Sets the rows of `result` that `text`, a file of that kind, has.
void add_rows(const SourceFile& file, const ProcFile& text, KernelValues& result) {
  FileProblems problems(text.path);
  const ProcValues values = file.parse(text.content, problems);
  const auto rows = kernel_value_rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].file == file.name) result.values[i] = value_of(rows[i], values, problems);
  }
  problems.append_to(result.problems);
}

void read_rows(const SourceFile& file, const Path& path, KernelValues& result) {
  const auto text = file.required ? read_proc_file(path) : read_proc_file_if_exists(path);
  if (text) add_rows(file, *text, result);
}

KernelValues no_values() {
  KernelValues result;
  result.values.resize(kernel_value_rows().size());
  return result;
}

// Ignores what is wrong with other values.
std::uint64_t number_in(const ProcFile& file, Parse parse, std::string_view group,
                        std::string_view field) {
  FileProblems problems(file.path);
  const ProcValues values = parse(file.content, problems);
  const ProcValue* const value = find_value(values, group, field);
  if (value == nullptr) throw_read_error(file.path, "expected " + name_of(group, field));
  const auto number = parse_number(value->text);
  if (!number) throw_read_error(file.path, expected_number(*value));
  return *number;
}

std::uint64_t listen_drops_in(const Path& net) {
  const ProcFile file = read_proc_file(net / "netstat");
  FileProblems problems(file.path);
  const ProcValues values = parse_line_pairs(file.content, problems);
  const ProcValue* const value = find_value(values, "TcpExt", "ListenDrops");
  const auto number = value == nullptr ? std::nullopt : parse_number(value->text);
  if (!number) {
    throw_read_error(file.path, "expected an unsigned number as TcpExt ListenDrops");
  }
  return *number;
}

struct Sockets {
  std::uint64_t open = 0;
  std::uint64_t time_wait = 0;
};

Sockets sockets_in(const Path& net) {
  const ProcFile ipv4 = read_proc_file(net / "sockstat");
  Sockets sockets{number_in(ipv4, parse_sockstat, "TCP", "inuse"),
                  number_in(ipv4, parse_sockstat, "TCP", "tw")};
  const auto ipv6 = read_proc_file_if_exists(net / "sockstat6");
  if (ipv6) {
    sockets.open += number_in(*ipv6, parse_sockstat, "TCP6", "inuse");
  } else if (is_there(net / "if_inet6")) {
    throw_read_error(net / "sockstat6", "expected, since there is if_inet6");
  }
  return sockets;
}

std::uint64_t total_in(const Path& net) {
  const Sockets sockets = sockets_in(net);
  return sockets.open + sockets.time_wait;
}

}  // namespace

KernelValues read_kernel_values(const Path& proc) {
  KernelValues result = no_values();
  for (const SourceFile& file : kFiles) {
    try {
      read_rows(file, path_below(proc, file.name), result);
    } catch (const std::runtime_error& error) {
      result.problems.emplace_back(error.what());
    }
  }
  return result;
}

std::uint64_t read_listen_drops(const Path& proc) {
  return listen_drops_in(path_below(proc, kNet));
}

std::uint64_t read_sockstat_sockets(const Path& proc) { return total_in(path_below(proc, kNet)); }

NamespaceCounters read_namespace_counters(const Path& process) {
  const Path net = process / "net";
  NamespaceCounters counters{.kernel = no_values()};
  add_rows(kNetstatFile, read_proc_file(net / "netstat"), counters.kernel);
  const ProcFile snmp = read_proc_file(net / "snmp");
  add_rows(kSnmpFile, snmp, counters.kernel);
  counters.connected = number_in(snmp, parse_line_pairs, "Tcp", "CurrEstab");
  const Sockets sockets = sockets_in(net);
  counters.open = sockets.open;
  counters.time_wait = sockets.time_wait;
  return counters;
}

std::uint64_t read_listen_drops_of(const Path& process) { return listen_drops_in(process / "net"); }

std::uint64_t read_sockstat_sockets_of(const Path& process) { return total_in(process / "net"); }

}  // namespace sockdiag
