// SPDX-License-Identifier: Apache-2.0
#include "cgroup_processes.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <utility>

#include "cgroup_tree.hpp"

namespace sockdiag {
namespace {

// FILEID_KERNFS of the kernel's exportfs.h: the handle is the id.
constexpr int kKernfsHandle = 0xfe;

FileDescriptor open_tree(const std::string& path) {
  FileDescriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct statfs file_system {};
  const bool is_cgroup2 = directory.is_open() && ::fstatfs(directory.get(), &file_system) == 0 &&
                          file_system.f_type == CGROUP2_SUPER_MAGIC;
  return is_cgroup2 ? std::move(directory) : FileDescriptor();
}

FileDescriptor open_cgroup(const FileDescriptor& tree, std::uint64_t id) {
  alignas(file_handle) std::array<std::byte, sizeof(file_handle) + sizeof id> bytes{};
  auto* const handle = reinterpret_cast<file_handle*>(bytes.data());
  handle->handle_bytes = sizeof id;
  handle->handle_type = kKernfsHandle;
  std::memcpy(bytes.data() + offsetof(file_handle, f_handle), &id, sizeof id);
  return FileDescriptor(
      ::open_by_handle_at(tree.get(), handle, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

}  // namespace

CgroupTree::CgroupTree(const std::string& path) : root_(open_tree(path)) {
  if (!root_.is_open()) root_ = open_tree(path + "/unified");
}

std::vector<std::int32_t> CgroupTree::processes_of(std::uint64_t id) const {
  std::vector<std::int32_t> processes;
  if (!root_.is_open() || id <= kRootCgroupId) return processes;
  const FileDescriptor cgroup = open_cgroup(root_, id);
  if (!cgroup.is_open()) return processes;
  std::ifstream file("/proc/thread-self/fd/" + std::to_string(cgroup.get()) + "/cgroup.procs");
  for (std::int32_t pid = 0; file >> pid;) {
    if (pid > 0) processes.push_back(pid);  // 0: it cannot be seen in this pid namespace
  }
  return processes;
}

}  // namespace sockdiag
