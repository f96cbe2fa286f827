// SPDX-License-Identifier: Apache-2.0
#pragma once

// The CPU time of the calling thread. The kernel fills a dump, and the text of a file in /proc, on
// the thread that asks for it: this is the whole cost of reading.

#include <chrono>
#include <ctime>

namespace sockdiag {

[[nodiscard]] inline std::chrono::nanoseconds thread_cpu_time() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace sockdiag
