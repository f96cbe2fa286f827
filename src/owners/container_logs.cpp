// SPDX-License-Identifier: Apache-2.0
#include "container_logs.hpp"

#include <cerrno>
#include <utility>

#include "cgroup_path.hpp"
#include "directory.hpp"

namespace sockdiag {
namespace {

constexpr std::string_view kSuffix = ".log";

// Returns the text before the next underscore, and takes both. Names of Kubernetes have none.
std::string_view take_name(std::string_view& text) {
  const auto end = text.find('_');
  if (end == std::string_view::npos) return {};
  const auto name = text.substr(0, end);
  text.remove_prefix(end + 1);
  return name;
}

}  // namespace

std::optional<ContainerLog> parse_container_log(std::string_view file_name) {
  if (!file_name.ends_with(kSuffix)) return std::nullopt;
  file_name.remove_suffix(kSuffix.size());
  const auto pod = take_name(file_name);
  const auto kubernetes_namespace = take_name(file_name);
  const auto hyphen = file_name.rfind('-');
  if (pod.empty() || kubernetes_namespace.empty() || hyphen == std::string_view::npos ||
      hyphen == 0)
    return std::nullopt;
  const auto id = file_name.substr(hyphen + 1);
  if (id.size() < kShortIdDigits || id.size() > kIdDigits || !is_hex(id)) return std::nullopt;
  return ContainerLog{
      std::string(id),
      {label_text(kubernetes_namespace), label_text(pod), label_text(file_name.substr(0, hyphen))}};
}

std::string ContainerLogs::list(const std::string& folder) {
  logs_.clear();
  Directory directory(folder);
  while (const dirent* entry = directory.next()) {
    auto log = parse_container_log(&entry->d_name[0]);
    if (!log) continue;
    if (logs_.size() >= kMaxLogs) {
      return "listing " + folder + ": more than " + std::to_string(kMaxLogs) + " container logs";
    }
    logs_.insert_or_assign(std::move(log->container_id), std::move(log->names));
  }
  return directory.problem();
}

// An id that was cut sorts before all ids that begin with it.
const PodContainer* ContainerLogs::find(std::string_view container_id) const {
  auto after = logs_.upper_bound(container_id);
  if (after == logs_.begin()) return nullptr;
  const auto& [id, names] = *--after;
  return container_id.starts_with(id) ? &names : nullptr;
}

}  // namespace sockdiag
