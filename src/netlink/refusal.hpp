// SPDX-License-Identifier: Apache-2.0
#pragma once

// What keeps a process from talking to sock_diag.

#include <string_view>

namespace sockdiag {

// What refuses a netlink socket or a request on it with that errno, and what to look at; empty
// where the error says all.
[[nodiscard]] std::string_view hint_at_refusal(int error) noexcept;

}  // namespace sockdiag
