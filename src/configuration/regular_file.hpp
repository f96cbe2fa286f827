// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

namespace sockdiag {

// Returns the first bytes of a regular file, at most `most`. Follows symbolic links. Never waits
// for data, not even for /proc/kmsg: only a mount that hangs can delay it. Safe from any thread.
// Throws std::runtime_error, with the reason but not the path, if the file cannot be read, is not
// regular or would have to be waited for.
[[nodiscard]] std::string read_regular_file(const std::string& path, std::size_t most);

}  // namespace sockdiag
