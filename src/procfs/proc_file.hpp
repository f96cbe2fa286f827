// SPDX-License-Identifier: Apache-2.0
#pragma once

// A small text file below /proc, read whole: no more than 1 MiB, and whole lines, or its last
// number may have been cut short.

#include <filesystem>
#include <optional>
#include <string>

namespace sockdiag {

struct ProcFile {
  std::filesystem::path path;
  std::string content;
};

// Throws std::runtime_error that names the file and says why.
[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why);

// Both throw likewise; the second returns nothing where there is no such file.
[[nodiscard]] ProcFile read_proc_file(const std::filesystem::path& path);
[[nodiscard]] std::optional<ProcFile> read_proc_file_if_exists(const std::filesystem::path& path);

}  // namespace sockdiag
