// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace sockdiag {

// Keeps the address space small that threads reserve and hardly touch: glibc gives 8 MiB of stack
// to each, and arenas of 64 MiB to eight threads per processor. Where virtual memory is limited
// (RLIMIT_AS, vm.overcommit_memory=2) it counts in full. Call it before any thread starts; what the
// system refuses stays as it is.
void limit_virtual_memory() noexcept;

}  // namespace sockdiag
