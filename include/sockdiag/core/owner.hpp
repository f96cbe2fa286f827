// SPDX-License-Identifier: Apache-2.0
#pragma once

// Whose sockets are: what the path of a control group (cgroup v2) tells. Plain values.

#include <array>
#include <compare>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sockdiag {

// What tells one owner from another in series. A label that is empty is left out of the series.
struct OwnerLabels {
  std::string kubernetes_namespace;  // of the pod
  std::string pod;
  std::string container;  // Kubernetes' name; else the first 12 digits of its id, or LXC's name
  std::string unit;       // of systemd; or one of the words below
  std::string pod_uid;    // only of a pod whose name is not known

  // Returns whether there is no label at all: the sockets of the exporter's own network namespace.
  [[nodiscard]] bool empty() const noexcept {
    return kubernetes_namespace.empty() && pod.empty() && container.empty() && unit.empty() &&
           pod_uid.empty();
  }

  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes the comparison for a null pointer
  friend auto operator<=>(const OwnerLabels&, const OwnerLabels&) = default;
};

// Values of `unit` that are no units.
inline constexpr std::string_view kFoldedOwners = "other";  // owners without series of their own
inline constexpr std::string_view kRemovedCgroup = "gone";  // the cgroup does not exist any more
inline constexpr std::string_view kRootCgroup = "none";     // the root cgroup, or cgroup v1

// The names of the labels, in the order of the series, and their values.
inline constexpr std::array<std::string_view, 5> kOwnerLabelNames = {
    "namespace", "pod", "container", "unit", "pod_uid"};
[[nodiscard]] inline std::array<std::string_view, kOwnerLabelNames.size()> values_of(
    const OwnerLabels& labels) noexcept {
  return {labels.kubernetes_namespace, labels.pod, labels.container, labels.unit, labels.pod_uid};
}

// Labels that are kept in several places at a time: copies share them. Immutable, so that any
// thread may read them. No labels at first.
class SharedOwnerLabels {
 public:
  SharedOwnerLabels() = default;
  // Throws std::bad_alloc.
  SharedOwnerLabels(OwnerLabels labels)  // NOLINT(google-explicit-constructor)
      : labels_(std::make_shared<const OwnerLabels>(std::move(labels))) {}

  [[nodiscard]] const OwnerLabels& operator*() const noexcept {
    static const OwnerLabels none;
    return labels_ != nullptr ? *labels_ : none;
  }
  [[nodiscard]] const OwnerLabels* operator->() const noexcept { return &**this; }

  friend bool operator==(const SharedOwnerLabels& a, const SharedOwnerLabels& b) noexcept {
    return a.labels_ == b.labels_ || *a == *b;
  }
  friend bool operator<(const SharedOwnerLabels& a, const SharedOwnerLabels& b) noexcept {
    return a.labels_ != b.labels_ && *a < *b;
  }

 private:
  std::shared_ptr<const OwnerLabels> labels_;
};

struct Owner {
  OwnerLabels labels;
  // What is known besides; each may be empty.
  std::string runtime;  // containerd, cri-o, docker, podman, lxc, nspawn, machine or systemd
  std::string pod_uid;
  std::string container_id;
  std::string cgroup;  // its path below the root of the tree

  friend bool operator==(const Owner&, const Owner&) = default;
};

}  // namespace sockdiag
