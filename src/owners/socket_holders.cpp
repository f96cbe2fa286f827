// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/owners/socket_holders.hpp"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <memory>
#include <string_view>
#include <utility>

#include "cgroup_processes.hpp"
#include "process_files.hpp"

namespace sockdiag {
namespace {

using Path = std::filesystem::path;

constexpr std::string_view kSocket = "socket:[";

template <typename Number>
std::optional<Number> number_of(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  return whole ? std::optional(number) : std::nullopt;
}

// An open directory. Does not throw where memory is short, as directory_iterator would.
class Directory {
 public:
  explicit Directory(const Path& path) : stream_(::opendir(path.c_str()), ::closedir) {}

  [[nodiscard]] bool is_open() const noexcept { return stream_ != nullptr; }
  [[nodiscard]] int descriptor() const noexcept { return ::dirfd(stream_.get()); }

  // Returns the name of the next entry that is a number, as text and as a number; nothing at the
  // end.
  [[nodiscard]] std::optional<std::pair<const char*, std::int32_t>> next_number() {
    while (const dirent* entry = ::readdir(stream_.get())) {
      const char* const name = &entry->d_name[0];
      if (const auto number = number_of<std::int32_t>(name)) return std::pair(name, *number);
    }
    return std::nullopt;
  }

 private:
  std::unique_ptr<DIR, int (*)(DIR*)> stream_;
};

// Returns the inode of "socket:[INODE]", to which the descriptor links; nothing of another one.
std::optional<std::uint32_t> socket_at(const Directory& descriptors, const char* name) {
  std::array<char, 32> target{};
  const ssize_t length = ::readlinkat(descriptors.descriptor(), name, target.data(), target.size());
  std::string_view text(target.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
  if (!text.starts_with(kSocket) || !text.ends_with(']')) return std::nullopt;
  text.remove_prefix(kSocket.size());
  text.remove_suffix(1);
  return number_of<std::uint32_t>(text);
}

class Search {
 public:
  Search(const std::vector<SoughtSocket>& sockets, const HostPaths& paths, std::size_t budget)
      : paths_(paths), budget_(budget) {
    for (const SoughtSocket& socket : sockets) {
      inodes_.push_back(socket.inode);
      cgroups_.push_back(socket.cgroup);
    }
    for (auto* each : {&inodes_, &cgroups_}) {
      std::sort(each->begin(), each->end());
      each->erase(std::unique(each->begin(), each->end()), each->end());
    }
    found_.resize(inodes_.size());
    missing_ = inodes_.size();
  }

  HolderSearch run() {
    const CgroupTree tree(paths_.cgroup);
    for (const std::uint64_t cgroup : cgroups_) {
      if (result_.cut) break;
      for (const std::int32_t pid : tree.processes_of(cgroup)) look_into(pid);
    }
    look_into_namespace();
    result_.refused = result_.refused && missing_ > 0;
    return std::move(result_);
  }

 private:
  // Whoever has moved between cgroups, or got its sockets from another process, is not in theirs.
  void look_into_namespace() {
    struct stat own {};
    if (::stat("/proc/thread-self/ns/net", &own) != 0) return;
    Directory processes(paths_.procfs);
    if (!processes.is_open()) return;
    while (missing_ > 0 && !result_.cut) {
      const auto process = processes.next_number();
      if (!process) return;
      if (is_in(own, process->second)) look_into(process->second);
    }
  }

  [[nodiscard]] bool is_in(const struct stat& wanted, std::int32_t pid) {
    struct stat status {};
    if (::stat((path_of(pid) / "ns/net").c_str(), &status) != 0) {
      result_.refused = result_.refused || errno == EACCES || errno == EPERM;
      return false;
    }
    return status.st_dev == wanted.st_dev && status.st_ino == wanted.st_ino;
  }

  void look_into(std::int32_t pid) {
    const auto place = std::lower_bound(looked_into_.begin(), looked_into_.end(), pid);
    if (place != looked_into_.end() && *place == pid) return;
    looked_into_.insert(place, pid);
    Directory descriptors(path_of(pid) / "fd");
    if (!descriptors.is_open()) {
      result_.refused = result_.refused || errno == EACCES || errno == EPERM;
      return;
    }
    SocketHolder holder{.pid = pid};
    const auto looked_at = look_at(descriptors, holder.inodes);
    if (!holder.inodes.empty()) add(std::move(holder), looked_at);
  }

  // Returns how many descriptors there are; nothing if there are more than may be looked at.
  std::optional<std::uint64_t> look_at(Directory& descriptors, std::vector<std::uint32_t>& held) {
    std::uint64_t count = 0;
    while (const auto entry = descriptors.next_number()) {
      if (budget_ == 0) {
        result_.cut = true;
        return std::nullopt;
      }
      --budget_;
      ++count;
      const auto inode = socket_at(descriptors, entry->first);
      if (inode && is_sought(*inode)) held.push_back(*inode);
    }
    return count;
  }

  bool is_sought(std::uint32_t inode) {
    const auto place = std::lower_bound(inodes_.begin(), inodes_.end(), inode);
    if (place == inodes_.end() || *place != inode) return false;
    const auto index = static_cast<std::size_t>(place - inodes_.begin());
    if (!found_[index]) --missing_;
    found_[index] = true;
    return true;
  }

  void add(SocketHolder holder, std::optional<std::uint64_t> descriptors) {
    const Path process = path_of(holder.pid);
    std::sort(holder.inodes.begin(), holder.inodes.end());
    holder.inodes.erase(std::unique(holder.inodes.begin(), holder.inodes.end()),
                        holder.inodes.end());
    holder.started = read_process_start(process);
    holder.name = read_process_name(process);
    holder.descriptors = descriptors ? descriptors : read_descriptor_count(process);
    holder.limit = read_descriptor_limit(process);
    result_.holders.push_back(std::move(holder));
  }

  [[nodiscard]] Path path_of(std::int32_t pid) const {
    return Path(paths_.procfs) / std::to_string(pid);
  }

  const HostPaths& paths_;
  std::size_t budget_;
  std::vector<std::uint64_t> inodes_;   // ascending, each once
  std::vector<std::uint64_t> cgroups_;  // so are they
  std::vector<bool> found_;             // by inode
  std::size_t missing_ = 0;
  std::vector<std::int32_t> looked_into_;  // ascending
  HolderSearch result_;
};

}  // namespace

HolderSearch find_socket_holders(const std::vector<SoughtSocket>& sockets, const HostPaths& paths,
                                 std::size_t max_descriptors) {
  if (sockets.empty()) return {};
  return Search(sockets, paths, max_descriptors).run();
}

std::optional<std::uint64_t> count_descriptors(const SocketHolder& process,
                                               const HostPaths& paths) {
  const Path path = Path(paths.procfs) / std::to_string(process.pid);
  const auto count = read_descriptor_count(path);
  return read_process_start(path) == process.started ? count : std::nullopt;
}

}  // namespace sockdiag
