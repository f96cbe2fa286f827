// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the exporter cannot say on an older kernel, by the version that uname(2) tells: the one
// place where a version decides. Safe from any thread.

#include <string>
#include <string_view>

namespace sockdiag {

struct KernelTraits {
  // From 4.1 on a socket's cookie is its own for ever. Before, it is the socket's address, which a
  // later socket gets again and takes the age of.
  bool unique_cookies = true;
  // From 4.7 on listeners count what they drop, and INET_DIAG_SKMEMINFO tells.
  bool listener_drops = true;
  // From 4.11 on sockstat counts the TIME_WAITs of its own network namespace, before of all.
  bool time_waits_by_namespace = true;

  friend bool operator==(const KernelTraits&, const KernelTraits&) noexcept = default;
};

// `release`: as uname(2) has it, such as "3.10.0-1160.el7.x86_64": what a distribution has
// backported is not known. One that does not begin with a version is taken for a modern kernel's.
[[nodiscard]] KernelTraits kernel_traits(std::string_view release);

// What is not told on that kernel and why, for the log; empty where all is.
[[nodiscard]] std::string what_is_missing_on(std::string_view release);

// Of the running kernel; empty where uname(2) fails.
[[nodiscard]] std::string read_kernel_release();

}  // namespace sockdiag
