// SPDX-License-Identifier: Apache-2.0
#pragma once

// Tells the owner from the path of a cgroup. The shapes of the paths are those that systemd,
// kubelet and the container runtimes use. Pure functions over any text, safe from any thread.

#include <string>
#include <string_view>

#include "sockdiag/core/owner.hpp"

namespace sockdiag {

// Digits of a container's id that its label shows, as `docker ps` does.
inline constexpr std::size_t kShortIdDigits = 12;
// Of a whole one.
inline constexpr std::size_t kIdDigits = 64;

// Returns the owner without the names that only Kubernetes knows: for a pod, its uid. The innermost
// pod and container count. There are no pods below user.slice, where users name cgroups as they
// like. The labels are never empty. Each text in the result is valid UTF-8 without control
// characters. Throws std::bad_alloc.
[[nodiscard]] Owner owner_of_cgroup_path(std::string_view path);

// Returns the text as a label may have it: valid UTF-8, no control characters, at most 255 bytes of
// it.
[[nodiscard]] std::string label_text(std::string_view text);

// Returns whether all are lower-case hexadecimal digits; true for an empty text.
[[nodiscard]] bool is_hex(std::string_view text) noexcept;

}  // namespace sockdiag
