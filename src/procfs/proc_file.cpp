// SPDX-License-Identifier: Apache-2.0
#include "proc_file.hpp"

#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <istream>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

namespace sockdiag {
namespace {

// The kernel's files are thousands of bytes; more than this is none of them.
constexpr std::size_t kMaxFileBytes = 1U << 20U;

// A sysctl answers the first read(2) only: all 65 536 reserved ports take less than 200 KiB.
constexpr std::streamsize kChunkBytes = 1 << 18;

constexpr std::string_view kThread = "thread-self/";
constexpr std::string_view kProcess = "self/";

std::string message_of(int error) { return std::generic_category().message(error); }

std::string read_all(std::istream& file, const std::filesystem::path& path) {
  std::string content;
  std::vector<char> chunk(kChunkBytes);
  while (file.read(chunk.data(), kChunkBytes) || file.gcount() > 0) {
    content.append(chunk.data(), static_cast<std::size_t>(file.gcount()));
    if (content.size() > kMaxFileBytes) refuse(path, "expected no more than 1 MiB");
  }
  if (file.bad()) refuse(path, message_of(errno));
  return content;
}

}  // namespace

bool is_there(const std::filesystem::path& path) { return ::access(path.c_str(), F_OK) == 0; }

std::filesystem::path path_below(const std::filesystem::path& proc, std::string_view name) {
  if (!name.starts_with(kThread) || is_there(proc / kThread) || !is_there(proc / kProcess)) {
    return proc / name;
  }
  return proc / kProcess / name.substr(kThread.size());
}

std::string problem_with(const std::filesystem::path& path, const std::string& why) {
  return "reading " + path.string() + ": " + why;
}

void refuse(const std::filesystem::path& path, const std::string& why) {
  throw std::runtime_error(problem_with(path, why));
}

std::optional<ProcFile> read_proc_file_if_exists(const std::filesystem::path& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file && errno == ENOENT) return std::nullopt;
  if (!file) refuse(path, message_of(errno));
  ProcFile text{path, read_all(file, path)};
  // Or the last number may have been cut short.
  if (!text.content.ends_with('\n')) refuse(path, "expected whole lines");
  return text;
}

ProcFile read_proc_file(const std::filesystem::path& path) {
  std::optional<ProcFile> text = read_proc_file_if_exists(path);
  if (!text) refuse(path, message_of(ENOENT));
  return *std::move(text);
}

}  // namespace sockdiag
