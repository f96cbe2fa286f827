// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace sockdiag {

// Reduces the address space that threads reserve and hardly use: glibc gives each a stack of 8 MiB,
// and eight threads per processor an arena of 64 MiB. All of it counts where virtual memory is
// limited (RLIMIT_AS, vm.overcommit_memory=2). Call it before any thread starts. Ignores errors.
void limit_virtual_memory() noexcept;

}  // namespace sockdiag
