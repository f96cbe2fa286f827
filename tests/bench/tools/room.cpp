// SPDX-License-Identifier: Apache-2.0
#include "room.hpp"

#include <sys/resource.h>

#include <fstream>
#include <stdexcept>
#include <string>

#include "error.hpp"
#include "proc.hpp"

namespace sockdiag::bench {
namespace {

constexpr std::size_t kKibibytesPerSocket = 5 + 2;  // the kernel's, and those of who lists them
constexpr std::size_t kKibibytesLeftFree = 256 * 1024;
constexpr std::size_t kFilesLeftFree = 4096;

void require_memory(std::size_t sockets) {
  const std::size_t available = number_after("/proc/meminfo", "MemAvailable:", "MemAvailable:");
  const std::size_t needed = sockets * kKibibytesPerSocket + kKibibytesLeftFree;
  if (needed <= available) return;
  throw std::runtime_error(std::to_string(sockets) + " sockets need about " +
                           std::to_string(needed / 1024) + " MiB, and MemAvailable is " +
                           std::to_string(available / 1024) + " MiB");
}

void require_files(std::size_t sockets) {
  std::ifstream in("/proc/sys/fs/file-nr");
  std::size_t allocated = 0;
  std::size_t unused = 0;
  std::size_t maximum = 0;
  in >> allocated >> unused >> maximum;
  if (allocated + sockets + kFilesLeftFree <= maximum) return;
  throw std::runtime_error(std::to_string(sockets) + " sockets exceed fs.file-max, " +
                           std::to_string(maximum));
}

}  // namespace

void require_room_for(std::size_t sockets) {
  require_memory(sockets);
  require_files(sockets);
}

std::size_t raise_file_limit() {
  rlimit limit{};
  checked(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  checked(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
  return limit.rlim_cur;
}

}  // namespace sockdiag::bench
