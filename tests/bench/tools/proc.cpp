// SPDX-License-Identifier: Apache-2.0
#include "proc.hpp"

#include <sys/resource.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "error.hpp"

namespace sockdiag::bench {
namespace {

constexpr std::size_t kKibibytesPerSocket = 5 + 2;  // the kernel's, and those of who lists them
constexpr std::size_t kKibibytesLeftFree = 256 * 1024;
constexpr std::size_t kFilesLeftFree = 4096;

// The fourth word of a line is the state, in hexadecimal.
std::string state_of(const std::string& line) {
  std::istringstream words(line);
  std::string word;
  for (int i = 0; i < 4; ++i) words >> word;
  return word;
}

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

std::size_t number_after(const std::string& file, const std::string& line_start,
                         const std::string& word) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string token;
    if (!(words >> token) || token != line_start) continue;
    while (token != word && words >> token) continue;
    std::size_t number = 0;
    return words >> number ? number : 0;
  }
  return 0;
}

std::size_t time_wait_sockets() { return number_after("/proc/self/net/sockstat", "TCP:", "tw"); }

std::size_t half_open_sockets() {
  std::ifstream in("/proc/self/net/tcp");
  std::size_t found = 0;
  for (std::string line; std::getline(in, line);) {
    if (state_of(line) == "03") ++found;
  }
  return found;
}

void set_sysctl(const std::string& name, std::size_t value) {
  std::ofstream file("/proc/sys/" + name);
  if (!(file << value << std::flush)) throw_errno("set " + name);
}

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
