// SPDX-License-Identifier: Apache-2.0
#pragma once

// Descriptors 0 to 2, which the parent process may have closed. Not thread-safe.

namespace sockdiag {

// Occupies the numbers that are closed, or the next socket would get one and a client would receive
// the lines meant for standard error. Reading 0 and writing 1 or 2 still fails. Call it before
// anything else opens a file.
void hold_standard_descriptors() noexcept;

// Returns true if all output of std::cout has been written.
[[nodiscard]] bool flush_standard_output();

}  // namespace sockdiag
