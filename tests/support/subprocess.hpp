// SPDX-License-Identifier: Apache-2.0
//
// Runs a program to its end and returns what it printed and how it ended. The program inherits the
// network namespace of the calling thread and dies with the test. Throws std::system_error when
// it cannot be started and std::runtime_error when it outlives its deadline (it is killed then).
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "sockdiag/core/file_descriptor.hpp"

namespace sockdiag::test {

struct Command {
  std::vector<std::string> arguments;  // the program first, found in PATH
  std::vector<std::pair<std::string, std::string>> environment{};  // in addition to ours
  // As uid and gid 65534, without groups or capabilities and no way to gain any.
  bool unprivileged = false;
  std::chrono::milliseconds deadline = std::chrono::seconds(60);
};

struct Finished {
  int exit_status = -1;  // -1 when a signal ended it
  int signal = 0;
  std::string output;
  std::string errors;
};

[[nodiscard]] Finished run(const Command& command);

// A directory with mode 0755 that is removed with everything in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  // Writes a file (mode 0644) or copies one (with its mode); returns the path it has here.
  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const;
  [[nodiscard]] std::string copy(const std::string& file) const;

 private:
  std::string path_;
};

}  // namespace sockdiag::test
