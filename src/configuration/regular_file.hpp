// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

namespace sockdiag {

// The first bytes of a file, `most` of them at most. Symbolic links are followed. Anything but a
// regular file is refused, and so is one that would have to be waited for, such as /proc/kmsg: only
// a mount that hangs can hold this up. Throws std::runtime_error, whose text is the reason without
// the path.
[[nodiscard]] std::string read_regular_file(const std::string& path, std::size_t most);

}  // namespace sockdiag
