// SPDX-License-Identifier: Apache-2.0
#pragma once

// The tree of cgroups (cgroup v2) as folders. A cgroup's id is the inode of its folder (cgroup_id()
// in include/linux/cgroup.h); the root cgroup has 1. Safe from any thread.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace sockdiag {

inline constexpr std::uint64_t kRootCgroupId = 1;

// Returns the folder of the tree: `path`, or its folder "unified" on hosts with both versions.
// Returns an empty text if there is no cgroup v2.
[[nodiscard]] std::string find_cgroup_tree(const std::string& path);

// Returns whether the folder is the root cgroup, so that every cgroup is below it.
[[nodiscard]] bool is_whole_tree(const std::string& folder);

// Calls visit(id, path) for the folders below `folder`, whose own path is "/". Follows no link and
// opens no folder without folders in it. Folders that vanish meanwhile are left out. Returns what
// was left out for another reason: more than `most` folders, or one that cannot be read; empty if
// nothing was.
[[nodiscard]] std::string walk_cgroups(
    const std::string& folder, std::size_t most,
    const std::function<void(std::uint64_t id, std::string_view path)>& visit);

}  // namespace sockdiag
