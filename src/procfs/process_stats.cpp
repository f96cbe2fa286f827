// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/procfs/process_stats.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "proc_values.hpp"

namespace sockdiag {
namespace {

std::optional<std::uint64_t> limit_of(__rlimit_resource resource) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return limit.rlim_cur;
}

// Returns the fields of /proc/self/stat from the third on. The second, the command in parentheses,
// may hold spaces and parentheses.
std::vector<std::string> stat_fields(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  const auto command_end = line.rfind(')');
  if (command_end == std::string::npos) return {};
  std::istringstream rest(line.substr(command_end + 1));
  return {std::istream_iterator<std::string>(rest), {}};
}

std::optional<std::uint64_t> boot_time_seconds(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("btime ")) return parse_number(line.substr(6));
  }
  return std::nullopt;
}

// std::filesystem::directory_iterator with an error code is noexcept and would end the process when
// memory is short.
std::optional<std::uint64_t> count_open_descriptors(const std::filesystem::path& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
  if (directory == nullptr) return std::nullopt;
  std::uint64_t count = 0;
  errno = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name(entry->d_name);
    if (name != "." && name != "..") ++count;
  }
  if (errno != 0 || count == 0) return std::nullopt;
  return count - 1;  // the descriptor that reads the directory
}

// Returns the field with that number in proc(5).
std::optional<std::uint64_t> number_at(const std::vector<std::string>& stat_fields,
                                       std::size_t number_in_manual) {
  const std::size_t index = number_in_manual - 3;
  return index < stat_fields.size() ? parse_number(stat_fields[index]) : std::nullopt;
}

double ticks_to_seconds(std::uint64_t ticks) {
  return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

void fill_from_stat(ProcessStats& stats, const std::vector<std::string>& fields) {
  const auto user = number_at(fields, 14);
  const auto system = number_at(fields, 15);
  if (user && system) stats.cpu_seconds = ticks_to_seconds(*user + *system);
  stats.threads = number_at(fields, 20);
  stats.virtual_memory_bytes = number_at(fields, 23);
  if (const auto pages = number_at(fields, 24)) {
    stats.resident_memory_bytes = *pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
}

}  // namespace

ProcessStats read_process_stats(const std::filesystem::path& proc) {
  ProcessStats stats;
  fill_from_stat(stats, stat_fields(proc / "self/stat"));
  stats.virtual_memory_max_bytes = limit_of(RLIMIT_AS);
  stats.open_fds = count_open_descriptors(proc / "self/fd");
  stats.max_fds = limit_of(RLIMIT_NOFILE);
  return stats;
}

std::optional<double> read_process_start_time(const std::filesystem::path& proc) {
  const auto start = number_at(stat_fields(proc / "self/stat"), 22);
  const auto boot = boot_time_seconds(proc / "stat");
  if (!start || !boot) return std::nullopt;
  return static_cast<double>(*boot) + ticks_to_seconds(*start);
}

}  // namespace sockdiag
