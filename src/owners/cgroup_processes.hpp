// SPDX-License-Identifier: Apache-2.0
#pragma once

// The processes of a cgroup that is known by its id. Safe from any thread.

#include <cstdint>
#include <string>
#include <vector>

#include "sockdiag/core/file_descriptor.hpp"

namespace sockdiag {

class CgroupTree {
 public:
  // `path`: where cgroup v2 is mounted, or the folder of cgroup v1 in which it is mounted as
  // "unified".
  explicit CgroupTree(const std::string& path);

  // Returns the processes of that cgroup, without those of cgroups below it, as this process's pid
  // namespace numbers them. Returns none if the cgroup is gone, is the root of all, or may not be
  // opened by its id, which takes CAP_DAC_READ_SEARCH.
  [[nodiscard]] std::vector<std::int32_t> processes_of(std::uint64_t id) const;

 private:
  FileDescriptor root_;
};

}  // namespace sockdiag
