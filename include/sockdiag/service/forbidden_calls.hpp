// SPDX-License-Identifier: Apache-2.0
#pragma once

// System calls that serving never makes, refused by the kernel from then on (seccomp(2)): whoever
// takes over the process can neither run a program, nor write a file, nor reach another process.
// A second wall behind the systemd unit's, which allows a list: this one denies a list, so that no
// new version of a library is refused what it needs.

#include <span>
#include <string>
#include <string_view>

namespace sockdiag {

// Names as libseccomp has them. Opening a file for writing is forbidden besides.
[[nodiscard]] std::span<const std::string_view> forbidden_calls() noexcept;

// Lets the kernel answer EPERM to these calls, and give no privilege to what the process would run.
// Neither can be undone. Holds for the calling thread and those that it starts: call it before any
// other. Returns an empty text, or what is wrong where the kernel has no filter: a host without it
// is worth watching, too. Ends the process with status 1 and a line if libseccomp does not end, as
// happens without memory.
[[nodiscard]] std::string forbid_calls();

}  // namespace sockdiag
