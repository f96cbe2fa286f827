// SPDX-License-Identifier: Apache-2.0
#pragma once

// The names of pods and containers, from the names of kubelet's links to container logs:
// "<pod>_<namespace>_<container>-<id>.log", of which kubelet cuts what is longer than 251
// characters before ".log" (logSymlink() in pkg/kubelet/kuberuntime/legacy.go). Not thread-safe.

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace sockdiag {

struct PodContainer {
  std::string kubernetes_namespace;
  std::string pod;
  std::string container;

  friend bool operator==(const PodContainer&, const PodContainer&) = default;
};

struct ContainerLog {
  std::string container_id;  // perhaps cut; at least 12 of 64 digits
  PodContainer names;

  friend bool operator==(const ContainerLog&, const ContainerLog&) = default;
};

// Returns nothing for any other name. The names are fit for labels.
[[nodiscard]] std::optional<ContainerLog> parse_container_log(std::string_view file_name);

class ContainerLogs {
 public:
  static constexpr std::size_t kMaxLogs = 20'000;

  // Lists the folder anew. Returns what could not be read; empty if nothing is wrong. A folder that
  // does not exist has no logs, and is wrong. Throws std::bad_alloc.
  [[nodiscard]] std::string list(const std::string& folder);

  // Returns null if the container has no log. The pointer is valid until the next list().
  [[nodiscard]] const PodContainer* find(std::string_view container_id) const;

 private:
  std::map<std::string, PodContainer, std::less<>> logs_;  // by the id, which may be cut
};

}  // namespace sockdiag
