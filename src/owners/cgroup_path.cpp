// SPDX-License-Identifier: Apache-2.0
#include "cgroup_path.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "sockdiag/core/quoted.hpp"

namespace sockdiag {
namespace {

constexpr std::size_t kMostLabelBytes = 255;  // a file's name has no more
constexpr std::size_t kMostPathBytes = 1024;
constexpr std::string_view kScope = ".scope";
constexpr std::string_view kSlice = ".slice";
constexpr std::string_view kService = ".service";
// Users name the cgroups below it as they like. kubelet has its own elsewhere.
constexpr std::string_view kUsers = "user.slice";

struct RuntimeName {
  std::string_view prefix;  // of the name of a container's cgroup
  std::string_view runtime;
};

constexpr auto kRuntimes = std::to_array<RuntimeName>({
    {"cri-containerd", "containerd"},
    {"nerdctl", "containerd"},
    {"crio", "cri-o"},
    {"docker", "docker"},
    {"cri-dockerd", "docker"},
    {"libpod", "podman"},
    {"libpod-payload", "podman"},
});

// Units that hold processes. A cgroup has the name of its unit.
constexpr auto kUnitSuffixes =
    std::to_array<std::string_view>({kService, kScope, ".socket", ".mount", ".swap"});

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool take_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

// systemd writes a hyphen that is part of a name as "\x2d", since others separate slices.
std::string with_hyphens(std::string_view text) {
  constexpr std::string_view kEscaped = R"(\x2d)";
  std::string result;
  while (!text.empty()) {
    if (take_prefix(text, kEscaped)) {
      result += '-';
    } else {
      result += text.front();
      text.remove_prefix(1);
    }
  }
  return result;
}

// Returns the uid with hyphens if it is one: 8-4-4-4-12 hexadecimal digits, in slices with "_"; or
// 32 digits of a static pod.
std::optional<std::string> parse_pod_uid(std::string_view text) {
  constexpr std::size_t kUidSize = 36;
  constexpr std::size_t kStaticPodSize = 32;
  std::string uid(text);
  std::replace(uid.begin(), uid.end(), '_', '-');
  if (uid.size() == kStaticPodSize && is_hex(uid)) return uid;
  if (uid.size() != kUidSize) return std::nullopt;
  for (const std::size_t hyphen : {8U, 13U, 18U, 23U}) {
    if (uid[hyphen] != '-') return std::nullopt;
  }
  std::string digits = uid;
  std::erase(digits, '-');
  return digits.size() == kStaticPodSize && is_hex(digits) ? std::optional(uid) : std::nullopt;
}

// "kubepods-burstable-pod<uid>.slice", with any prefix; "pod<uid>" with the cgroupfs driver.
std::optional<std::string> pod_uid_of(std::string_view name) {
  constexpr std::string_view kPod = "pod";
  if (take_suffix(name, kSlice)) {
    const auto at = name.rfind("-pod");
    const bool is_pod = name.find("kubepods") < at && at != std::string_view::npos;
    return is_pod ? parse_pod_uid(name.substr(at + 1 + kPod.size())) : std::nullopt;
  }
  return take_prefix(name, kPod) ? parse_pod_uid(name) : std::nullopt;
}

std::string_view runtime_of(std::string_view prefix) {
  const auto* const found = std::find_if(kRuntimes.begin(), kRuntimes.end(),
                                         [&](const auto& row) { return row.prefix == prefix; });
  return found != kRuntimes.end() ? found->runtime : "";
}

bool is_unit(std::string_view name) {
  return std::any_of(kUnitSuffixes.begin(), kUnitSuffixes.end(), [&](std::string_view suffix) {
    return name.size() > suffix.size() && name.ends_with(suffix);
  });
}

// The manager of a user's units. It is no owner where a unit or a container of it is known.
bool is_user_manager(std::string_view unit) {
  return unit.starts_with("user@") && unit.ends_with(kService);
}

// Reads a path from its first name to its last.
class PathReader {
 public:
  void read(std::string_view path) {
    while (!path.empty()) {
      const auto name = path.substr(0, path.find('/'));
      path.remove_prefix(std::min(path.size(), name.size() + 1));
      if (name.empty() || name == ".") continue;
      if (name == "..") {
        is_partial_ = true;
        continue;
      }
      is_of_user_ = is_of_user_ || name == kUsers;
      read_name(name);
      last_ = name;
      if (first_.empty()) first_ = name;
    }
  }

  [[nodiscard]] Owner owner() const {
    Owner owner = found_;
    if (!owner.pod_uid.empty()) owner.labels.pod_uid = owner.pod_uid;
    owner.labels.unit = label_text(unit_label());
    if (owner.runtime.empty() && !unit_.empty() && owner.pod_uid.empty()) owner.runtime = "systemd";
    return owner;
  }

 private:
  void read_name(std::string_view name) {
    if (take_mixed_driver(name) || take_pod(name) || take_container(name)) return;
    if (take_machine(name) || has_container() || !found_.pod_uid.empty()) return;
    if (is_unit(name)) unit_ = name;
    if (name.ends_with(kSlice)) slice_ = name;
  }

  // Returns true for "<slice of a pod>:<runtime>:<id>" of one name.
  bool take_mixed_driver(std::string_view name) {
    const auto pod_end = name.find(':');
    const auto id_start = name.rfind(':');
    if (pod_end == id_start || !take_pod(name.substr(0, pod_end))) return false;
    const auto runtime = name.substr(pod_end + 1, id_start - pod_end - 1);
    if (is_id(name.substr(id_start + 1))) set_container(name.substr(id_start + 1), runtime);
    return true;
  }

  bool take_pod(std::string_view name) {
    const auto uid = is_of_user_ ? std::nullopt : pod_uid_of(name);
    if (!uid) return false;
    found_ = {};
    found_.pod_uid = *uid;
    return true;
  }

  // Returns true for "<runtime>-<id>.scope", "<runtime>-<id>" and "<id>". A monitor's cgroup is
  // named "<runtime>-conmon-<id>.scope"; the monitor does not belong to the container.
  bool take_container(std::string_view name) {
    take_suffix(name, kScope);
    if (name.size() < kIdDigits || !is_id(name.substr(name.size() - kIdDigits))) return false;
    const auto id = name.substr(name.size() - kIdDigits);
    name.remove_suffix(kIdDigits);
    if (!name.empty() && !take_suffix(name, "-")) return false;
    if (!name.ends_with("conmon")) set_container(id, name.empty() ? last_ : name);
    return true;
  }

  // LXC, systemd-nspawn and what else registers with systemd-machined: containers with a name.
  bool take_machine(std::string_view name) {
    if (take_prefix(name, "lxc.payload.")) return set_machine(name, "lxc");
    if (last_ == "lxc" || last_ == "lxc.payload") return set_machine(name, "lxc");
    if (take_prefix(name, "systemd-nspawn@") && take_suffix(name, kService)) {
      return set_machine(name, "nspawn");
    }
    if (take_prefix(name, "machine-") && take_suffix(name, kScope)) {
      return set_machine(name, "machine");
    }
    return false;
  }

  void set_container(std::string_view id, std::string_view runtime) {
    found_.container_id = id;
    found_.labels.container = id.substr(0, kShortIdDigits);
    found_.runtime = runtime_of(runtime);
  }

  bool set_machine(std::string_view name, std::string_view runtime) {
    if (name.empty()) return false;
    found_.container_id.clear();
    found_.labels.container = label_text(with_hyphens(name));
    found_.runtime = runtime;
    return true;
  }

  static bool is_id(std::string_view text) { return text.size() == kIdDigits && is_hex(text); }
  [[nodiscard]] bool has_container() const { return !found_.labels.container.empty(); }

  [[nodiscard]] std::string_view unit_label() const {
    if (!found_.pod_uid.empty()) return {};
    if (has_container()) return is_user_manager(unit_) ? std::string_view() : unit_;
    if (!unit_.empty()) return unit_;
    if (!slice_.empty()) return slice_;
    if (!first_.empty()) return first_;
    return is_partial_ ? kFoldedOwners : kRootCgroup;
  }

  Owner found_;
  std::string_view unit_;   // the innermost outside of containers
  std::string_view slice_;  // likewise
  std::string_view first_;
  std::string_view last_;
  bool is_of_user_ = false;
  bool is_partial_ = false;  // seen from another cgroup namespace
};

}  // namespace

bool is_hex(std::string_view text) noexcept {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string label_text(std::string_view text) { return one_line(text.substr(0, kMostLabelBytes)); }

Owner owner_of_cgroup_path(std::string_view path) {
  PathReader reader;
  reader.read(path);
  Owner owner = reader.owner();
  owner.cgroup = one_line(path.substr(0, kMostPathBytes));
  return owner;
}

}  // namespace sockdiag
