// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

namespace sockdiag::bench {

// What the kernel says of this network namespace, and what is told it, in files.

// The number after `word` on the line of `file` that starts with `line_start`; 0 where there is
// none.
[[nodiscard]] std::size_t number_after(const std::string& file, const std::string& line_start,
                                       const std::string& word);

// TIME_WAIT sockets, from sockstat: cheap at any number of them.
[[nodiscard]] std::size_t time_wait_sockets();

// Lines of /proc/self/net/tcp in state SYN_RECV; sockstat leaves request sockets out.
[[nodiscard]] std::size_t half_open_sockets();

// `name` is the path below /proc/sys. Throws where that is refused.
void set_sysctl(const std::string& name, std::size_t value);

}  // namespace sockdiag::bench
