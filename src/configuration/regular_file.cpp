// SPDX-License-Identifier: Apache-2.0
#include "regular_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "sockdiag/core/file_descriptor.hpp"

namespace sockdiag {
namespace {

[[noreturn]] void throw_errno() {
  throw std::runtime_error(std::generic_category().message(errno));
}

void check_regular(const FileDescriptor& file) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw_errno();
  if (S_ISDIR(status.st_mode)) throw std::runtime_error("Is a directory");
  if (!S_ISREG(status.st_mode)) throw std::runtime_error("not a regular file");
}

// Returns 0 at the end of the file.
std::size_t read_some(const FileDescriptor& file, char* buffer, std::size_t size) {
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer, size);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EAGAIN) throw std::runtime_error("reading it would wait");
    if (errno != EINTR) throw_errno();
  }
}

}  // namespace

std::string read_regular_file(const std::string& path, std::size_t most) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file.is_open()) throw_errno();
  check_regular(file);
  std::string text(most, '\0');
  std::size_t length = 0;
  while (length < most) {
    const std::size_t got = read_some(file, text.data() + length, most - length);
    if (got == 0) break;
    length += got;
  }
  text.resize(length);
  return text;
}

}  // namespace sockdiag
