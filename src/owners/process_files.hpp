// SPDX-License-Identifier: Apache-2.0
#pragma once

// Files below /proc/PID (proc(5)). A process may end at any time: what it took along is nothing.
// Safe from any thread.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace sockdiag {

// Returns the name that the process has given itself, or an empty one.
[[nodiscard]] std::string read_process_name(const std::filesystem::path& process);

// Returns clock ticks after the host's start, or 0.
[[nodiscard]] std::uint64_t read_process_start(const std::filesystem::path& process);

// Returns the soft limit of open descriptors; nothing if there is none.
[[nodiscard]] std::optional<std::uint64_t> read_descriptor_limit(
    const std::filesystem::path& process);

// Returns what the kernel says of the directory of descriptors; nothing before Linux 6.2.
[[nodiscard]] std::optional<std::uint64_t> read_descriptor_count(
    const std::filesystem::path& process);

}  // namespace sockdiag
