// SPDX-License-Identifier: Apache-2.0
#include "cgroup_tree.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <utility>

#include "directory.hpp"

namespace sockdiag {
namespace {

// The kernel allows more only where somebody has asked for it, and each level holds a descriptor.
constexpr std::size_t kMostLevels = 64;

class Walk {
 public:
  using Visit = std::function<void(std::uint64_t, std::string_view)>;

  Walk(std::size_t most, const Visit& visit) : left_(most), visit_(visit) {}

  void enter(Directory& directory, const std::string& path, std::size_t level) {
    while (const dirent* entry = directory.next()) {
      if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN) continue;
      if (!visit(directory, path + '/' + &entry->d_name[0], &entry->d_name[0], level)) return;
    }
    if (!directory.is_gone()) note(directory.problem());
  }

  void note(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
  }
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

 private:
  // Returns false if the walk is over.
  bool visit(const Directory& parent, const std::string& path, const char* name,
             std::size_t level) {
    struct stat status {};
    if (::fstatat(parent.descriptor(), name, &status, AT_SYMLINK_NOFOLLOW) != 0) return true;
    if (!S_ISDIR(status.st_mode)) return true;
    if (left_ == 0) {
      note("walking the cgroup tree: too many cgroups, the rest has no names");
      return false;
    }
    --left_;
    visit_(status.st_ino, path);
    constexpr auto kLinksOfLeaf = 2;
    if (status.st_nlink == kLinksOfLeaf || level >= kMostLevels) return true;
    Directory directory(parent, name);
    enter(directory, path, level + 1);
    return left_ > 0 || problem_.empty();
  }

  std::size_t left_;
  const Visit& visit_;
  std::string problem_;
};

bool is_cgroup2(const std::string& path) {
  struct statfs status {};
  return ::statfs(path.c_str(), &status) == 0 && status.f_type == CGROUP2_SUPER_MAGIC;
}

}  // namespace

std::string find_cgroup_tree(const std::string& path) {
  if (is_cgroup2(path)) return path;
  const std::string unified = path + "/unified";
  return is_cgroup2(unified) ? unified : "";
}

bool is_whole_tree(const std::string& folder) {
  struct stat status {};
  return ::stat(folder.c_str(), &status) == 0 && status.st_ino == kRootCgroupId;
}

std::string walk_cgroups(const std::string& folder, std::size_t most,
                         const std::function<void(std::uint64_t, std::string_view)>& visit) {
  Directory root(folder);
  Walk walk(most, visit);
  walk.enter(root, "", 0);
  return walk.problem();
}

}  // namespace sockdiag
