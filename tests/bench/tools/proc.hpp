// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

namespace sockdiag::bench {

// Reads what the kernel says of this network namespace and of its limits, and changes settings.

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

// Throws where that many more sockets would not fit into MemAvailable (5 KiB each) or below
// fs.file-max.
void require_room_for(std::size_t sockets);

// Raises the soft limit of open files to the hard one, and returns it.
std::size_t raise_file_limit();

}  // namespace sockdiag::bench
