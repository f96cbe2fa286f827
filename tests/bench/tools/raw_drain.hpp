// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace sockdiag::bench {

// The floor that samples are measured against: the exporter's request (TCPDIAG_GETSOCK for both
// families, states 0xfff, no extension), a new socket, a 32 KiB buffer, and a walk over the message
// headers that counts them and looks for NLMSG_DONE. Nothing is decoded. Throws where the kernel
// refuses, truncates or answers with an error.

enum class Wanted {
  every_socket,
  nothing  // the same walk of the kernel's table, with a local port that no socket may have
};

struct DrainCost {
  std::int64_t cpu_ns = 0;   // of the calling thread, CLOCK_THREAD_CPUTIME_ID
  std::int64_t user_ns = 0;  // getrusage(RUSAGE_THREAD)
  std::int64_t system_ns = 0;
  std::int64_t wall_ns = 0;
  std::size_t datagrams = 0;
  std::size_t bytes = 0;
  std::size_t sockets = 0;
};

[[nodiscard]] DrainCost drain(Wanted wanted);

}  // namespace sockdiag::bench
