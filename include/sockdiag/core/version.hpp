// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which build this is.

#include <string_view>

namespace sockdiag {

struct BuildInfo {
  std::string_view version;
  std::string_view revision;  // of the source tree; "unknown" outside a checkout
  std::string_view compiler;
};

[[nodiscard]] BuildInfo build_info() noexcept;

}  // namespace sockdiag
