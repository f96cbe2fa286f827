// SPDX-License-Identifier: Apache-2.0
#pragma once

// An open directory. Not thread-safe.

#include <dirent.h>

#include <memory>
#include <string>

namespace sockdiag {

class Directory {
 public:
  explicit Directory(const std::string& path);
  // Opens a directory of another one, and no link.
  Directory(const Directory& parent, const char* name);
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  [[nodiscard]] bool is_open() const noexcept { return stream_ != nullptr; }
  [[nodiscard]] int descriptor() const noexcept { return ::dirfd(stream_.get()); }

  // Returns the next entry, which is valid until the next call, or null at the end, after an error
  // and if the directory is not open. Leaves "." and ".." out.
  [[nodiscard]] const dirent* next();

  // Returns whether it does not exist, or does not any more.
  [[nodiscard]] bool is_gone() const noexcept;

  // Returns what could not be read, with the path; empty if nothing is wrong.
  [[nodiscard]] std::string problem() const;

 private:
  struct Close {
    void operator()(DIR* stream) const noexcept { ::closedir(stream); }
  };

  void open(int descriptor);

  std::string path_;
  std::unique_ptr<DIR, Close> stream_;
  int error_ = 0;
};

}  // namespace sockdiag
