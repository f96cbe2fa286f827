// SPDX-License-Identifier: Apache-2.0
#pragma once

// Explains why a process cannot use sock_diag.

#include <string_view>

namespace sockdiag {

// Returns what refuses a netlink socket, or a request on it, with that errno, and the remedy. Empty
// if the errno needs no explanation.
[[nodiscard]] std::string_view hint_at_refusal(int error) noexcept;

}  // namespace sockdiag
