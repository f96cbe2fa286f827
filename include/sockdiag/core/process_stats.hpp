// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the kernel says of this process (proc(5)). Plain values.

#include <cstdint>
#include <optional>

namespace sockdiag {

// A field that cannot be read is absent, never zero.
struct ProcessStats {
  std::optional<double> cpu_seconds;  // user and system
  std::optional<std::uint64_t> virtual_memory_bytes;
  std::optional<std::uint64_t> virtual_memory_max_bytes;  // absent where there is no limit
  std::optional<std::uint64_t> resident_memory_bytes;
  std::optional<std::uint64_t> threads;
  std::optional<std::uint64_t> open_fds;
  std::optional<std::uint64_t> max_fds;
};

}  // namespace sockdiag
