// SPDX-License-Identifier: Apache-2.0
#pragma once

// page.css and page.js as they are in this folder. CMake writes the source that holds them.

#include <string_view>

namespace sockdiag {

[[nodiscard]] std::string_view page_css() noexcept;
[[nodiscard]] std::string_view page_js() noexcept;

}  // namespace sockdiag
