// SPDX-License-Identifier: Apache-2.0
#pragma once

// Finds the network namespaces of the host's processes, in /proc and without any privilege. The
// inode of /proc/PID/net/tcp is that of its namespace, the same through every mount of proc (the
// entries of a namespace's directory exist once: struct net's proc_net). The kernel gives it to
// another namespace once the first has ended. A namespace that no process is in is not found, nor
// one whose processes are hidden (hidepid).

#include <dirent.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "sockdiag/core/owner.hpp"

namespace sockdiag {

struct NetworkNamespace {
  std::uint64_t inode = 0;  // of net/tcp
  // Processes in it, at most kMaxPids: the first of /proc's list, which begins with the lowest.
  std::vector<std::int32_t> pids;

  static constexpr std::size_t kMaxPids = 4;
};

// Returns the inode of net/tcp of a process, whose folder below /proc `process` is. Nothing if
// there is no such process, or if it is hidden. Safe from any thread.
[[nodiscard]] std::optional<std::uint64_t> network_namespace_of(
    const std::filesystem::path& process);

// One pass over the processes, in as many steps as the caller likes. It costs some 6 us a process.
// Memory grows with namespaces, not with processes. Not thread-safe.
class NamespaceSearch {
 public:
  // More are not found: 5 MB.
  static constexpr std::size_t kMaxNamespaces = 65536;

  // Throws std::runtime_error if the folder cannot be listed.
  explicit NamespaceSearch(const std::filesystem::path& procfs);

  // Looks at processes until `is_time_up`, which is asked before each 32 of them. Returns true once
  // it has seen all of them.
  [[nodiscard]] bool go_on(const std::function<bool()>& is_time_up);

  // Returns what was found, by ascending lowest pid, without the namespace of the calling process.
  // Throws std::runtime_error if /proc/self does not tell that one.
  [[nodiscard]] std::vector<NetworkNamespace> found() const;

 private:
  struct CloseDirectory {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
  };

  void look_at(const char* name);

  std::unique_ptr<DIR, CloseDirectory> directory_;
  std::unordered_map<std::uint64_t, std::vector<std::int32_t>> pids_;  // by inode
};

// Returns the path of a process's cgroup, from the text of /proc/PID/cgroup: that in the v2 tree
// (its line begins with "0::"), or that in systemd's own v1 tree if the first is the root or
// missing. Empty if there is neither.
[[nodiscard]] std::string cgroup_path_in(const std::string& text);

// Whose a cgroup is, by its path.
using OwnerOfCgroup = std::function<Owner(const std::string& path)>;

// Returns whose the namespace is: the owner of the cgroup of its first process; of a pod, without
// the container, which is its pause container, and with the names that any of its processes'
// cgroups tells. The labels are never empty. Returns nothing if all the processes are gone.
[[nodiscard]] std::optional<Owner> owner_of(const NetworkNamespace& found,
                                            const std::filesystem::path& procfs,
                                            const OwnerOfCgroup& owner_of_cgroup);

}  // namespace sockdiag
