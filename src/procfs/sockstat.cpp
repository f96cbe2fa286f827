// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/procfs/sockstat.hpp"

#include "proc_file.hpp"
#include "proc_values.hpp"
#include "sockdiag/core/kernel_values.hpp"

namespace sockdiag {
namespace {

constexpr std::string_view kSockstat6 = "thread-self/net/sockstat6";
constexpr std::string_view kIpv6Addresses = "thread-self/net/if_inet6";

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
