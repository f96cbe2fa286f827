// SPDX-License-Identifier: Apache-2.0
#pragma once

// The processes that hold given sockets, and how many descriptors they have (proc(5), cgroups(7)).
// It costs 4 µs for each descriptor looked at, and kernel memory that stays behind until it is
// reclaimed: for somebody who asks, never for a sampler. Descriptors of other users can be seen
// with CAP_SYS_PTRACE only. Safe from any thread.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sockdiag/core/policy.hpp"

namespace sockdiag {

struct SoughtSocket {
  std::uint32_t inode = 0;
  std::uint64_t cgroup = 0;  // as in SocketRecord; 0 or 1 if it is not known

  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes the comparison for a null pointer
  friend auto operator<=>(const SoughtSocket&, const SoughtSocket&) noexcept = default;
};

struct SocketHolder {
  std::int32_t pid = 0;
  std::uint64_t started = 0;  // clock ticks after the host's start: tells who has the pid now
  std::string name;           // as the process has set it: any bytes but zero
  std::vector<std::uint32_t> inodes{};       // of the sought sockets that it holds, ascending
  std::optional<std::uint64_t> descriptors;  // open ones; nothing if they were not all looked at
  std::optional<std::uint64_t> limit;        // soft limit of them; nothing if there is none
};

struct HolderSearch {
  std::vector<SocketHolder> holders;  // in the order in which they were found
  bool cut = false;      // some descriptors were not looked at: there are more than may be
  bool refused = false;  // not all sockets were found, and some processes could not be looked into
};

// Looks first at the processes of the cgroups in which the sockets were made. Then, until all
// sockets are found, at the other processes of the calling thread's network namespace. Reads
// processes below `paths.procfs`. Throws std::bad_alloc.
[[nodiscard]] HolderSearch find_socket_holders(const std::vector<SoughtSocket>& sockets,
                                               const HostPaths& paths, std::size_t max_descriptors);

// Returns how many descriptors the process has open, without looking at them. Returns nothing
// before Linux 6.2, and if the process has ended or another one has its number.
[[nodiscard]] std::optional<std::uint64_t> count_descriptors(const SocketHolder& process,
                                                             const HostPaths& paths);

}  // namespace sockdiag
