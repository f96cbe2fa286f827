// SPDX-License-Identifier: Apache-2.0
#pragma once

// A /proc of a test's own, empty at first; it goes with the object.

#include <filesystem>
#include <fstream>
#include <string>

#include "support/subprocess.hpp"

namespace sockdiag::test {

class FakeProc {
 public:
  FakeProc& write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
    return *this;
  }
  FakeProc& remove(const std::string& path) {
    std::filesystem::remove_all(root_ / path);
    return *this;
  }
  // Can be opened and not be read, by root neither.
  FakeProc& make_directory(const std::string& path) {
    std::filesystem::create_directories(remove(path).root_ / path);
    return *this;
  }
  [[nodiscard]] const std::filesystem::path& root() const { return root_; }

 private:
  TemporaryDirectory directory_;
  std::filesystem::path root_ = directory_.path();
};

}  // namespace sockdiag::test
