// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/owners/network_namespaces.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include "sockdiag/procfs/proc_file.hpp"

namespace sockdiag {
namespace {

using Path = std::filesystem::path;

constexpr unsigned kProcessesAtOnce = 32;

std::optional<std::int32_t> pid_of(std::string_view name) {
  std::int32_t pid = 0;
  const char* const end = name.data() + name.size();
  const auto [stopped, error] = std::from_chars(name.data(), end, pid);
  if (error != std::errc() || stopped != end || pid <= 0) return std::nullopt;
  return pid;
}

std::optional<std::uint64_t> inode_of(int directory, const std::string& path) {
  struct stat status {};
  if (::fstatat(directory, path.c_str(), &status, 0) != 0) return std::nullopt;
  return status.st_ino;
}

// Returns what follows the second colon of the first line of `text` that has `controllers` between
// the two: "12:cpu,cpuacct:/path".
std::string path_of(std::string_view text, std::string_view controllers) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t first = line.find(':');
    if (first == std::string_view::npos) continue;
    const std::string_view rest = line.substr(first + 1);
    if (rest.starts_with(controllers) && rest.substr(controllers.size()).starts_with(':')) {
      return std::string(rest.substr(controllers.size() + 1));
    }
  }
  return {};
}

std::optional<Owner> owner_of(const Path& process, const OwnerOfCgroup& owner_of_cgroup) {
  try {
    return owner_of_cgroup(cgroup_path_in(read_proc_file(process / "cgroup").content));
  } catch (const std::runtime_error&) {
    return std::nullopt;  // it has ended
  }
}

bool is_pod(const Owner& owner) { return !owner.labels.pod.empty() || !owner.pod_uid.empty(); }

Owner of_pod(Owner owner) {
  owner.labels.container.clear();
  owner.container_id.clear();
  return owner;
}

}  // namespace

std::optional<std::uint64_t> network_namespace_of(const Path& process) {
  return inode_of(AT_FDCWD, process / "net/tcp");
}

NamespaceSearch::NamespaceSearch(const Path& procfs) : directory_(::opendir(procfs.c_str())) {
  if (directory_ == nullptr) throw_read_error(procfs, std::generic_category().message(errno));
}

bool NamespaceSearch::go_on(const std::function<bool()>& is_time_up) {
  while (!is_time_up()) {
    for (unsigned i = 0; i < kProcessesAtOnce; ++i) {
      const dirent* const entry = ::readdir(directory_.get());
      if (entry == nullptr) return true;
      look_at(&entry->d_name[0]);
    }
  }
  return false;
}

void NamespaceSearch::look_at(const char* name) {
  const auto pid = pid_of(name);
  if (!pid) return;
  const auto inode = inode_of(::dirfd(directory_.get()), std::string(name) + "/net/tcp");
  if (!inode || (pids_.size() >= kMaxNamespaces && !pids_.contains(*inode))) return;
  auto& pids = pids_[*inode];
  if (pids.size() < NetworkNamespace::kMaxPids) pids.push_back(*pid);
}

std::vector<NetworkNamespace> NamespaceSearch::found() const {
  const auto own = network_namespace_of("/proc/self");
  if (!own) throw_read_error("/proc/self/net/tcp", "expected, to know one's own network namespace");
  std::vector<NetworkNamespace> found;
  for (const auto& [inode, pids] : pids_) {
    if (inode != own) found.push_back({inode, pids});
  }
  for (NetworkNamespace& each : found) std::sort(each.pids.begin(), each.pids.end());
  std::sort(found.begin(), found.end(), [](const NetworkNamespace& a, const NetworkNamespace& b) {
    return a.pids.front() < b.pids.front();
  });
  return found;
}

std::string cgroup_path_in(const std::string& text) {
  std::string path = path_of(text, "");
  if (!path.empty() && path != "/") return path;
  std::string of_systemd = path_of(text, "name=systemd");
  return of_systemd.empty() ? path : of_systemd;
}

std::optional<Owner> owner_of(const NetworkNamespace& found, const Path& procfs,
                              const OwnerOfCgroup& owner_of_cgroup) {
  std::optional<Owner> owner;
  for (const std::int32_t pid : found.pids) {
    auto next = owner_of(procfs / std::to_string(pid), owner_of_cgroup);
    if (!next) continue;
    const bool names_pod = owner && next->pod_uid == owner->pod_uid && !next->labels.pod.empty();
    if (!owner || names_pod) owner = std::move(next);
    if (!is_pod(*owner) || !owner->labels.pod.empty()) break;
  }
  if (!owner) return std::nullopt;
  if (is_pod(*owner)) owner = of_pod(*std::move(owner));
  if (owner->labels.empty()) owner->labels.unit = kRootCgroup;
  return owner;
}

}  // namespace sockdiag
