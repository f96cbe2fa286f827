// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace sockdiag::bench {

// The floor that the exporter's sample is measured against: the same request (TCPDIAG_GETSOCK for
// both families, states 0xfff, no extension), a new socket, a 32 KiB buffer, and a walk over the
// message headers that only looks for NLMSG_DONE. Throws where the kernel refuses, truncates or
// answers with an error.
struct DrainCost {
  double cpu_seconds = 0;   // of the calling thread, CLOCK_THREAD_CPUTIME_ID
  double user_seconds = 0;  // getrusage(RUSAGE_THREAD)
  double system_seconds = 0;
  double wall_seconds = 0;
  std::size_t datagrams = 0;
};

[[nodiscard]] DrainCost drain();

// Sockets in one such dump; not for timing.
[[nodiscard]] std::size_t count_by_drain();

}  // namespace sockdiag::bench
