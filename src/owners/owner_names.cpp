// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/owners/owner_names.hpp"

#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "cgroup_path.hpp"
#include "cgroup_tree.hpp"
#include "container_logs.hpp"

namespace sockdiag {
namespace {

constexpr char kHowToMount[] =
    "; in a container, mount the host's tree: -v /sys/fs/cgroup:/host/cgroup:ro, "
    "--path.cgroup=/host/cgroup";

Owner owner_of_unit(std::string_view unit) {
  Owner owner;
  owner.labels.unit = unit;
  return owner;
}

}  // namespace

class OwnerNames::Parts {
 public:
  Parts(HostPaths paths, Tree tree) : paths_(std::move(paths)), tree_(tree) {}

  [[nodiscard]] const Owner* find(std::uint64_t cgroup) const {
    if (cgroup == kRootCgroupId) return &root_;
    const auto found = owners_.find(cgroup);
    return found != owners_.end() ? &found->second : nullptr;
  }

  [[nodiscard]] Owner owner_of_path(std::string_view path) const {
    Owner owner = owner_of_cgroup_path(path);
    if (owner.pod_uid.empty()) return owner;
    if (const PodContainer* names = logs_.find(owner.container_id)) {
      owner.labels.container = names->container;
      set_pod(owner, *names);
    } else if (const auto pod = pods_.find(owner.pod_uid); pod != pods_.end()) {
      set_pod(owner, pod->second);
    }
    return owner;
  }

  [[nodiscard]] bool exists(const OwnerLabels& labels) const {
    const bool is_word = labels == root_.labels || labels.unit == kRemovedCgroup;
    return is_word || !is_complete_ || in_tree_.contains(labels);
  }

  void refresh(const std::vector<std::uint64_t>& wanted) {
    problem_.clear();
    is_complete_ = false;
    sees_tree_ = true;
    sees_pods_ = false;
    pods_.clear();
    const std::string logs_problem = logs_.list(paths_.container_logs);
    const std::string folder =
        tree_ == Tree::cgroup2 ? find_cgroup_tree(paths_.cgroup) : paths_.cgroup;
    if (folder.empty()) {
      if (!wanted.empty()) miss_tree(paths_.cgroup + " is not a cgroup2 file system");
      return;
    }
    const Paths paths = walk(folder, wanted);
    if (sees_pods_) add_problem(logs_problem);
    // In a part of the tree, what is missing may have been removed or be elsewhere. If that is
    // most, the sockets are those of the host.
    const bool is_whole =
        tree_ == Tree::any_folder || (tree_ == Tree::cgroup2 && is_whole_tree(folder));
    const std::size_t unknown =
        name(wanted, paths, owner_of_unit(is_whole ? kRemovedCgroup : kFoldedOwners));
    if (is_whole || unknown <= wanted.size() / 2) return;
    miss_tree(folder + " has only a part of the cgroup tree");
  }

  [[nodiscard]] bool sees_tree() const noexcept { return sees_tree_; }
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

 private:
  using Paths = std::unordered_map<std::uint64_t, std::string>;
  using Owners = std::unordered_map<std::uint64_t, Owner>;

  static void set_pod(Owner& owner, const PodContainer& names) {
    owner.labels.kubernetes_namespace = names.kubernetes_namespace;
    owner.labels.pod = names.pod;
    owner.labels.pod_uid.clear();
  }

  void miss_tree(const std::string& why) {
    sees_tree_ = false;
    owners_.clear();
    add_problem(why + kHowToMount);
  }

  // Returns the paths of the wanted cgroups, of those that have an owner already or have taken the
  // place of such a one, and of all above those that have an owner.
  [[nodiscard]] Paths walk(const std::string& folder, const std::vector<std::uint64_t>& wanted) {
    Paths paths;
    const std::unordered_set<std::uint64_t> ids(wanted.begin(), wanted.end());
    std::unordered_set<std::string_view> known;
    for (const auto& [id, owner] : owners_) {
      std::string_view place = owner.cgroup;
      while (!place.empty() && known.insert(place).second)
        place = place.substr(0, place.rfind('/'));
    }
    add_problem(walk_cgroups(folder, kMaxDirectories, [&](std::uint64_t id, std::string_view path) {
      if (ids.contains(id) || owners_.contains(id) || known.contains(path)) paths.emplace(id, path);
      learn_pod(path);
    }));
    is_complete_ = problem_.empty();
    return paths;
  }

  // Containers of a pod that have no log, such as the one that holds its network namespace, get the
  // pod's name from those that have one.
  void learn_pod(std::string_view path) {
    if (path.find("pod") == std::string_view::npos) return;
    const Owner owner = owner_of_cgroup_path(path);
    if (owner.pod_uid.empty() || owner.container_id.empty()) return;
    sees_pods_ = true;
    if (const PodContainer* names = logs_.find(owner.container_id)) {
      pods_.insert_or_assign(owner.pod_uid, *names);
    }
  }

  // Returns how many of the wanted cgroups are neither in the tree nor had been: they are
  // `missing`.
  [[nodiscard]] std::size_t name(const std::vector<std::uint64_t>& wanted, const Paths& paths,
                                 const Owner& missing) {
    Owners owners;
    in_tree_.clear();
    for (const auto& [id, path] : paths) {
      in_tree_.insert(owners.emplace(id, owner_of_path(path)).first->second.labels);
    }
    std::size_t unknown = 0;
    for (const std::uint64_t id : wanted) {
      if (owners.contains(id)) continue;
      if (const auto known = owners_.find(id); known != owners_.end()) {
        owners.emplace(id, known->second);
      } else if (is_complete_) {
        owners.emplace(id, missing);
        ++unknown;
      }
    }
    // What the walk did not see may still be there.
    if (!is_complete_ && owners_.size() < kMaxDirectories) {
      owners.insert(owners_.begin(), owners_.end());
    }
    owners_.swap(owners);
    return unknown;
  }

  void add_problem(const std::string& problem) {
    if (problem.empty()) return;
    problem_ += (problem_.empty() ? "" : "; ") + problem;
  }

  HostPaths paths_;
  Tree tree_;
  Owner root_ = owner_of_cgroup_path("/");
  ContainerLogs logs_;
  std::unordered_map<std::string, PodContainer> pods_;  // by uid
  Owners owners_;                                       // by the cgroup's id
  std::set<OwnerLabels> in_tree_;                       // in the last walk
  bool sees_tree_ = true;
  bool sees_pods_ = false;    // in the last walk
  bool is_complete_ = false;  // the last walk
  std::string problem_;
};

OwnerNames::OwnerNames(HostPaths paths, Tree tree)
    : parts_(std::make_unique<Parts>(std::move(paths), tree)) {}
OwnerNames::OwnerNames(OwnerNames&& other) noexcept = default;
OwnerNames& OwnerNames::operator=(OwnerNames&& other) noexcept = default;
OwnerNames::~OwnerNames() = default;

const Owner* OwnerNames::find(std::uint64_t cgroup) const { return parts_->find(cgroup); }

Owner OwnerNames::owner_of_path(std::string_view path) const { return parts_->owner_of_path(path); }

bool OwnerNames::exists(const OwnerLabels& labels) const { return parts_->exists(labels); }

void OwnerNames::refresh(const std::vector<std::uint64_t>& wanted) { parts_->refresh(wanted); }

bool OwnerNames::sees_tree() const noexcept { return parts_->sees_tree(); }

const std::string& OwnerNames::problem() const noexcept { return parts_->problem(); }

}  // namespace sockdiag
