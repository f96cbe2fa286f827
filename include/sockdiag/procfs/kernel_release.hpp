// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the exporter cannot publish on an older kernel, by the version that uname(2) returns. No
// other part of the program asks for the version. Safe from any thread.

#include <string>
#include <string_view>

namespace sockdiag {

struct KernelTraits {
  // From 4.1 on no two sockets have the same cookie. Before, it is the socket's address, so a later
  // socket at the same address would inherit the age.
  bool unique_cookies = true;
  // From 4.7 on INET_DIAG_SKMEMINFO has what each listener dropped.
  bool listener_drops = true;
  // From 4.11 on sockstat counts the TIME_WAITs of its own network namespace. Before, it counts
  // those of all.
  bool time_waits_by_namespace = true;

  friend bool operator==(const KernelTraits&, const KernelTraits&) noexcept = default;
};

// `release` is uname(2)'s, such as "3.10.0-1160.el7.x86_64". Features that a distribution has
// backported are not known. A release that does not begin with a version counts as a modern one.
[[nodiscard]] KernelTraits kernel_traits(std::string_view release);

// Returns what is not published on that kernel and why, for the log. Empty if nothing is missing.
[[nodiscard]] std::string what_is_missing_on(std::string_view release);

// Returns the running kernel's release. Empty if uname(2) fails.
[[nodiscard]] std::string read_kernel_release();

}  // namespace sockdiag
