// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/procfs/process_stats.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
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
class Directory {
 public:
  explicit Directory(const std::filesystem::path& path) noexcept
      : directory_(::opendir(path.c_str())) {}
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() {
    if (directory_ != nullptr) ::closedir(directory_);
  }

  // Leaves out "." and "..". Returns nothing if the directory cannot be read.
  [[nodiscard]] std::optional<std::uint64_t> count_entries() const noexcept {
    if (directory_ == nullptr) return std::nullopt;
    std::uint64_t count = 0;
    errno = 0;
    while (const dirent* entry = ::readdir(directory_)) {
      const std::string_view name(entry->d_name);
      if (name != "." && name != "..") ++count;
    }
    return errno == 0 ? std::optional(count) : std::nullopt;
  }

 private:
  DIR* directory_;
};

std::optional<std::uint64_t> count_open_descriptors(const std::filesystem::path& proc) {
  const auto entries = Directory(proc / "self/fd").count_entries();
  if (!entries || *entries == 0) return std::nullopt;
  return *entries - 1;  // the descriptor that reads the directory
}

class StatFields {
 public:
  explicit StatFields(const std::filesystem::path& proc)
      : fields_(stat_fields(proc / "self/stat")) {}

  // Returns the field with that number in proc(5).
  [[nodiscard]] std::optional<std::uint64_t> at(std::size_t number_in_manual) const {
    const std::size_t index = number_in_manual - 3;
    return index < fields_.size() ? parse_number(fields_[index]) : std::nullopt;
  }

 private:
  std::vector<std::string> fields_;
};

double ticks_to_seconds(std::uint64_t ticks) {
  return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

void fill_from_stat(ProcessStats& stats, const StatFields& fields) {
  const auto user = fields.at(14);
  const auto system = fields.at(15);
  if (user && system) stats.cpu_seconds = ticks_to_seconds(*user + *system);
  stats.threads = fields.at(20);
  stats.virtual_memory_bytes = fields.at(23);
  if (const auto pages = fields.at(24)) {
    stats.resident_memory_bytes = *pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
}

}  // namespace

ProcessStats read_process_stats(const std::filesystem::path& proc) {
  ProcessStats stats;
  fill_from_stat(stats, StatFields(proc));
  stats.virtual_memory_max_bytes = limit_of(RLIMIT_AS);
  stats.open_fds = count_open_descriptors(proc);
  stats.max_fds = limit_of(RLIMIT_NOFILE);
  return stats;
}

std::optional<double> read_process_start_time(const std::filesystem::path& proc) {
  const auto start = StatFields(proc).at(22);
  const auto boot = boot_time_seconds(proc / "stat");
  if (!start || !boot) return std::nullopt;
  return static_cast<double>(*boot) + ticks_to_seconds(*start);
}

}  // namespace sockdiag
