// SPDX-License-Identifier: Apache-2.0
#include "proc_file.hpp"

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

void refuse(const std::filesystem::path& path, const std::string& why) {
  throw std::runtime_error("reading " + path.string() + ": " + why);
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
