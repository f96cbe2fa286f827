// SPDX-License-Identifier: Apache-2.0
#include "directory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>

namespace sockdiag {
namespace {

constexpr int kOpenFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

}  // namespace

Directory::Directory(const std::string& path) : path_(path) {
  open(::open(path.c_str(), kOpenFlags));
}

Directory::Directory(const Directory& parent, const char* name) : path_(parent.path_ + '/' + name) {
  open(::openat(parent.descriptor(), name, kOpenFlags | O_NOFOLLOW));
}

void Directory::open(int descriptor) {
  if (descriptor >= 0) stream_.reset(::fdopendir(descriptor));
  if (is_open()) return;
  error_ = errno;
  if (descriptor >= 0) ::close(descriptor);
}

const dirent* Directory::next() {
  using namespace std::string_view_literals;
  while (is_open()) {
    errno = 0;
    const dirent* const entry = ::readdir(stream_.get());
    if (entry == nullptr) {
      error_ = errno;
      return nullptr;
    }
    if (&entry->d_name[0] != "."sv && &entry->d_name[0] != ".."sv) return entry;
  }
  return nullptr;
}

bool Directory::is_gone() const noexcept { return error_ == ENOENT || error_ == ENODEV; }

std::string Directory::problem() const {
  if (error_ == 0) return {};
  return "listing " + path_ + ": " + std::generic_category().message(error_);
}

}  // namespace sockdiag
