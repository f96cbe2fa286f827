// SPDX-License-Identifier: Apache-2.0
#include "process_files.hpp"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>

namespace sockdiag {
namespace {

using Path = std::filesystem::path;

constexpr std::string_view kLimitOfDescriptors = "Max open files";
constexpr std::size_t kStartField = 22;  // as proc(5) numbers the fields of stat

std::optional<std::uint64_t> number_in(std::istream& stream) {
  std::uint64_t number = 0;
  return stream >> number ? std::optional(number) : std::nullopt;
}

}  // namespace

std::string read_process_name(const Path& process) {
  std::ifstream file(process / "comm");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

// The second field, the name in parentheses, may hold spaces and parentheses.
std::uint64_t read_process_start(const Path& process) {
  std::ifstream file(process / "stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos) return 0;
  std::istringstream fields(text.substr(end_of_name + 1));
  std::string skipped;
  for (std::size_t field = 3; field < kStartField; ++field) fields >> skipped;
  return number_in(fields).value_or(0);
}

std::optional<std::uint64_t> read_descriptor_limit(const Path& process) {
  std::ifstream file(process / "limits");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(kLimitOfDescriptors)) continue;
    std::istringstream columns(line.substr(kLimitOfDescriptors.size()));
    return number_in(columns);
  }
  return std::nullopt;
}

std::optional<std::uint64_t> read_descriptor_count(const Path& process) {
  const Path directory = process / "fd";
  struct statfs file_system {};
  struct stat status {};
  const bool is_proc =
      ::statfs(directory.c_str(), &file_system) == 0 && file_system.f_type == PROC_SUPER_MAGIC;
  if (!is_proc || ::stat(directory.c_str(), &status) != 0 || status.st_size <= 0) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(status.st_size);
}

}  // namespace sockdiag
