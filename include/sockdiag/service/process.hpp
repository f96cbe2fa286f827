// SPDX-License-Identifier: Apache-2.0
#pragma once

// Prepares the process, and ends its output. Not thread-safe.

namespace sockdiag {

// Occupies those of the descriptors 0 to 2 that the parent process closed, or the next socket would
// get one and a client would receive the lines meant for standard error. Reading 0 and writing 1 or
// 2 still fails. Call it before anything else opens a file.
void hold_standard_descriptors() noexcept;

// Reduces the address space that threads reserve and hardly use: glibc gives each a stack of 8 MiB,
// and eight threads per processor an arena of 64 MiB. All of it counts where virtual memory is
// limited (RLIMIT_AS, vm.overcommit_memory=2). Call it before any thread starts. Ignores errors.
void limit_virtual_memory() noexcept;

// Returns true if all output of std::cout has been written.
[[nodiscard]] bool flush_standard_output();

}  // namespace sockdiag
