// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace sockdiag::bench {

// Throws where that many more sockets would not fit into MemAvailable (5 KiB each) or below
// fs.file-max.
void require_room_for(std::size_t sockets);

// Raises the soft limit of open files to the hard one, and returns it.
std::size_t raise_file_limit();

}  // namespace sockdiag::bench
