// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/procfs/proc_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "sockdiag/core/file_descriptor.hpp"

namespace sockdiag {
namespace {

// The kernel's files have thousands of bytes.
constexpr std::size_t kMaxFileBytes = 1U << 20U;

// Most files fit. For a sysctl the kernel clears as much memory as the read asks for.
constexpr std::size_t kChunkBytes = 1U << 13U;

// A sysctl answers the first read(2) only. All 65 536 reserved ports take less than 200 KiB.
constexpr std::size_t kLargeChunkBytes = 1U << 18U;

constexpr std::string_view kThread = "thread-self/";
constexpr std::string_view kProcess = "self/";

std::string message_of(int error) { return std::generic_category().message(error); }

// Reads the file on from the end of `content`: one read(2) of up to `most` bytes. Returns how many
// bytes it appended, or a negative number with the error in errno.
ssize_t append(std::string& content, const FileDescriptor& file, std::size_t most) {
  const std::size_t size = content.size();
  content.resize(size + most);
  ssize_t count = -1;
  do {
    count = ::pread(file.get(), content.data() + size, most, static_cast<off_t>(size));
  } while (count < 0 && errno == EINTR);
  content.resize(size + static_cast<std::size_t>(count < 0 ? 0 : count));
  return count;
}

std::string read_all(const FileDescriptor& file, const std::filesystem::path& path) {
  std::string content;
  ssize_t count = append(content, file, kChunkBytes);
  // There may be more, which a sysctl would not give to a second read.
  if (std::cmp_equal(count, kChunkBytes)) {
    content.clear();
    count = append(content, file, kLargeChunkBytes);
  }
  while (count > 0 && content.size() <= kMaxFileBytes) {
    count = append(content, file, kChunkBytes);
  }
  if (count < 0) throw_read_error(path, message_of(errno));
  if (count > 0) throw_read_error(path, "expected no more than 1 MiB");
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

void throw_read_error(const std::filesystem::path& path, const std::string& why) {
  throw std::runtime_error(problem_with(path, why));
}

std::optional<ProcFile> read_proc_file_if_exists(const std::filesystem::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open() && errno == ENOENT) return std::nullopt;
  if (!file.is_open()) throw_read_error(path, message_of(errno));
  ProcFile text{path, read_all(file, path)};
  // The last number of any other text may be cut short.
  if (!text.content.ends_with('\n')) throw_read_error(path, "expected whole lines");
  return text;
}

ProcFile read_proc_file(const std::filesystem::path& path) {
  std::optional<ProcFile> text = read_proc_file_if_exists(path);
  if (!text) throw_read_error(path, message_of(ENOENT));
  return *std::move(text);
}

}  // namespace sockdiag
