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

// From now on, running out of memory where nobody can catch it ends the process with one line and
// status 1: before main(), while tables are filled, and in functions that must not throw. Whatever
// else nobody catches still aborts.
void end_if_out_of_memory() noexcept;

// Writes that one line to standard error, the first time that it is called. Allocates nothing.
void write_out_of_memory() noexcept;

// Returns true if all output of std::cout has been written.
[[nodiscard]] bool flush_standard_output();

}  // namespace sockdiag
