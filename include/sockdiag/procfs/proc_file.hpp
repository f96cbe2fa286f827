// SPDX-License-Identifier: Apache-2.0
#pragma once

// Reads small text files below /proc. Safe from any thread.

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

// Returns the path of a file such as "thread-self/net/sockstat". Before Linux 3.17 there is no
// /proc/thread-self, and the process's file takes its place. They differ only for a thread that has
// entered another network namespace, which the exporter's do not.
[[nodiscard]] std::filesystem::path path_below(const std::filesystem::path& proc,
                                               std::string_view name);

// Returns a line with the file's path and what is wrong with the file.
[[nodiscard]] std::string problem_with(const std::filesystem::path& path, const std::string& why);

// Throws that line as a std::runtime_error.
[[noreturn]] void throw_read_error(const std::filesystem::path& path, const std::string& why);

// Reads the whole file: 1 MiB at most, and whole lines, since the last number of another may be cut
// short. Throws like throw_read_error(). The second returns nothing if there is no such file.
[[nodiscard]] ProcFile read_proc_file(const std::filesystem::path& path);
[[nodiscard]] std::optional<ProcFile> read_proc_file_if_exists(const std::filesystem::path& path);

}  // namespace sockdiag
