// SPDX-License-Identifier: Apache-2.0
#pragma once

// A small text file below /proc, read whole: no more than 1 MiB, and whole lines, or its last
// number may have been cut short. Safe from any thread.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace sockdiag {

struct ProcFile {
  std::filesystem::path path;
  std::string content;
};

[[nodiscard]] bool is_there(const std::filesystem::path& path);

// Where the file that `name` calls "thread-self/net/sockstat" and the like is. Before Linux 3.17
// there is no /proc/thread-self, and the process's files stand in for the thread's: they differ
// only where a thread has entered a network namespace of its own, which the exporter's do not.
[[nodiscard]] std::filesystem::path path_below(const std::filesystem::path& proc,
                                               std::string_view name);

// Names the file and says what is wrong with it.
[[nodiscard]] std::string problem_with(const std::filesystem::path& path, const std::string& why);

// Throws that as a std::runtime_error.
[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why);

// Both throw likewise; the second returns nothing where there is no such file.
[[nodiscard]] ProcFile read_proc_file(const std::filesystem::path& path);
[[nodiscard]] std::optional<ProcFile> read_proc_file_if_exists(const std::filesystem::path& path);

}  // namespace sockdiag
