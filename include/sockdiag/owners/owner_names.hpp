// SPDX-License-Identifier: Apache-2.0
#pragma once

// Names the owners of sockets: systemd units, containers and pods. Finds the paths of cgroups in
// the tree of cgroup v2, and the names of pods in the names of kubelet's links to container logs.
// Opens no log, asks no runtime and needs no privilege.
//
// Not thread-safe. Memory: one Owner, and its labels again, for each cgroup that was asked for and
// each above it, and some 300 bytes for each container log, of which there are at most 20 000.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sockdiag/core/owner.hpp"
#include "sockdiag/core/policy.hpp"

namespace sockdiag {

class OwnerNames {
 public:
  static constexpr std::size_t kMaxDirectories = 20'000;

  // What may stand at the path of the cgroup tree. Tests use plain folders, as a whole tree or as a
  // part of one.
  enum class Tree : std::uint8_t { cgroup2, any_folder, part_in_any_folder };

  explicit OwnerNames(HostPaths paths, Tree tree = Tree::cgroup2);
  OwnerNames(OwnerNames&& other) noexcept;
  OwnerNames& operator=(OwnerNames&& other) noexcept;
  OwnerNames(const OwnerNames&) = delete;
  OwnerNames& operator=(const OwnerNames&) = delete;
  ~OwnerNames();

  // Returns the owner of a cgroup's id, or null if only refresh() can find it. The root cgroup is
  // always known. The pointer is valid until the next refresh().
  [[nodiscard]] const Owner* find(std::uint64_t cgroup) const;

  // Returns the owner for a path as /proc/PID/cgroup has it, with the names that the last refresh()
  // knew. Its labels are never empty. Works for every text. Throws std::bad_alloc.
  [[nodiscard]] Owner owner_of_path(std::string_view path) const;

  // Returns false if the last refresh() walked the whole tree and none of the cgroups in it that
  // are known, or are above those, has an owner with these labels: those that it had have been
  // removed. The words for the root and for removed cgroups are those of owners that exist.
  [[nodiscard]] bool exists(const OwnerLabels& labels) const;

  // Lists the container logs and walks the cgroup tree: at most kMaxDirectories, and no link.
  // Learns the owners of the `wanted` ids and the names of all pods. Other ids that it knew stay
  // known while they are in the tree, or the path has a new id, as that of a restarted unit; all of
  // them if it did not walk the whole tree. A wanted id that is not in the tree is that of a
  // removed cgroup, unless its owner was known before; in a part of the tree it is one of others
  // (kFoldedOwners), since it may be elsewhere. Throws std::bad_alloc.
  void refresh(const std::vector<std::uint64_t>& wanted = {});

  // Returns false if the folder at the tree's path is not where the ids are that the last refresh()
  // wanted: it is no cgroup2, or only a part of the tree and most of the ids are elsewhere. The
  // problem says what to mount.
  [[nodiscard]] bool sees_tree() const noexcept;

  // Returns what the last refresh() could not read; empty if nothing is wrong.
  [[nodiscard]] const std::string& problem() const noexcept;

 private:
  class Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sockdiag
