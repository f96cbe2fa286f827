// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/procfs/kernel_value_reader.hpp"

#include <unistd.h>

#include <array>
#include <limits>
#include <stdexcept>

#include "proc_file.hpp"
#include "proc_values.hpp"

namespace sockdiag {
namespace {

constexpr std::string_view kSockstat6 = "thread-self/net/sockstat6";
constexpr std::string_view kIpv6Addresses = "thread-self/net/if_inet6";

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

struct SourceFile {
  std::string_view name;
  ProcValues (*parse)(std::string_view content, FileProblems&);
  bool required;
};

constexpr auto kFiles = std::to_array<SourceFile>({
    {kernel_file::kNetstat, parse_line_pairs, true},
    {kernel_file::kSnmp, parse_line_pairs, true},
    {kernel_file::kSockstat, parse_sockstat, true},
    {kernel_file::kMaxOrphans, parse_sysctl, false},
    {kernel_file::kMemory, parse_sysctl, false},
    {kernel_file::kMaxTimeWaits, parse_sysctl, false},
});

void read_rows(const SourceFile& file, const std::filesystem::path& proc, KernelValues& result) {
  const auto path = path_below(proc, file.name);
  const auto text = file.required ? read_proc_file(path) : read_proc_file_if_exists(path);
  if (!text) return;
  FileProblems problems(path);
  const ProcValues values = file.parse(text->content, problems);
  const auto rows = kernel_value_rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].file == file.name) result.values[i] = value_of(rows[i], values, problems);
  }
  problems.append_to(result.problems);
}

// Ignores what is wrong with other values.
std::uint64_t number_in(const ProcFile& file, std::string_view group, std::string_view field) {
  FileProblems problems(file.path);
  const ProcValues values = parse_sockstat(file.content, problems);
  const ProcValue* const value = find_value(values, group, field);
  if (value == nullptr) throw_read_error(file.path, "expected " + name_of(group, field));
  const auto number = parse_number(value->text);
  if (!number) throw_read_error(file.path, expected_number(*value));
  return *number;
}

}  // namespace

KernelValues read_kernel_values(const std::filesystem::path& proc) {
  KernelValues result;
  result.values.resize(kernel_value_rows().size());
  for (const SourceFile& file : kFiles) {
    try {
      read_rows(file, proc, result);
    } catch (const std::runtime_error& error) {
      result.problems.emplace_back(error.what());
    }
  }
  return result;
}

std::uint64_t read_listen_drops(const std::filesystem::path& proc) {
  const ProcFile file = read_proc_file(path_below(proc, kernel_file::kNetstat));
  FileProblems problems(file.path);
  const ProcValues values = parse_line_pairs(file.content, problems);
  const ProcValue* const value = find_value(values, "TcpExt", "ListenDrops");
  const auto number = value == nullptr ? std::nullopt : parse_number(value->text);
  if (!number) {
    throw_read_error(file.path, "expected an unsigned number as TcpExt ListenDrops");
  }
  return *number;
}

std::uint64_t read_sockstat_sockets(const std::filesystem::path& proc) {
  const ProcFile ipv4 = read_proc_file(path_below(proc, kernel_file::kSockstat));
  const std::uint64_t sockets = number_in(ipv4, "TCP", "inuse") + number_in(ipv4, "TCP", "tw");
  const auto ipv6 = read_proc_file_if_exists(path_below(proc, kSockstat6));
  if (ipv6) return sockets + number_in(*ipv6, "TCP6", "inuse");
  if (is_there(path_below(proc, kIpv6Addresses))) {
    throw_read_error(path_below(proc, kSockstat6), "expected, since there is if_inet6");
  }
  return sockets;
}

}  // namespace sockdiag
