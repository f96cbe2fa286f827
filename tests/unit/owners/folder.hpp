// SPDX-License-Identifier: Apache-2.0
#pragma once

// A temporary folder, as a cgroup tree or as kubelet's folder of logs.

#include <sys/stat.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace sockdiag::test {

class Folder {
 public:
  Folder() {
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp");
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  // Makes the folders of "/a/b" and returns the inode of the last.
  std::uint64_t make(const std::string& path) const {
    std::filesystem::create_directories(path_ + path);
    return inode(path);
  }
  [[nodiscard]] std::uint64_t inode(const std::string& path) const {
    struct stat status {};
    if (::stat((path_ + path).c_str(), &status) != 0) throw std::runtime_error("stat");
    return status.st_ino;
  }
  void remove(const std::string& path) const { std::filesystem::remove_all(path_ + path); }
  // Replaces a folder by another one of the same name, and returns the inode of that.
  std::uint64_t replace(const std::string& path) const {
    make(path + ".new");
    remove(path);
    std::filesystem::rename(path_ + path + ".new", path_ + path);
    return inode(path);
  }
  // Makes a link that leads nowhere, as those of kubelet may.
  void link(const std::string& name) const {
    std::filesystem::create_symlink("/nowhere", path_ + "/" + name);
  }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "sockdiag-XXXXXX").string();
};

}  // namespace sockdiag::test
