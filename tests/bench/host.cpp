// SPDX-License-Identifier: Apache-2.0
#include "host.hpp"

#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "error.hpp"
#include "file_descriptor.hpp"

namespace sockdiag::bench {
namespace {

constexpr std::size_t kKibibytesPerSocket = 5;
constexpr std::size_t kKibibytesLeftFree = 256 * 1024;
constexpr unsigned kNobody = 65534;

void bring_loopback_up() {
  const FileDescriptor fd(checked(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  checked(::ioctl(fd.get(), SIOCGIFFLAGS, &request), "read the flags of lo");
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  checked(::ioctl(fd.get(), SIOCSIFFLAGS, &request), "bring lo up");
}

// The number after `word` on the line of `file` that starts with `line_start`; 0 where there is
// none.
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

std::size_t lines_after_heading(const char* file) {
  std::ifstream in(file);
  std::size_t lines = 0;
  for (std::string line; std::getline(in, line);) ++lines;
  return lines == 0 ? 0 : lines - 1;
}

// The fourth word of a line is the state, in hexadecimal.
std::size_t lines_in_state(const char* file, const std::string& state) {
  std::ifstream in(file);
  std::size_t lines = 0;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string word;
    for (int i = 0; i < 4; ++i) words >> word;
    if (word == state) ++lines;
  }
  return lines;
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
  if (allocated + sockets + 4096 <= maximum) return;
  throw std::runtime_error(std::to_string(sockets) + " sockets exceed fs.file-max, " +
                           std::to_string(maximum));
}

}  // namespace

void enter_private_network() {
  checked(::unshare(CLONE_NEWNET), "make a network namespace (root is needed)");
  bring_loopback_up();
}

void become_nobody() {
  checked(::setgroups(0, nullptr), "setgroups");
  checked(::setresgid(kNobody, kNobody, kNobody), "setresgid");
  checked(::setresuid(kNobody, kNobody, kNobody), "setresuid");
  // Changing uid makes /proc/self root's, and this process reads its own.
  checked(::prctl(PR_SET_DUMPABLE, 1), "PR_SET_DUMPABLE");
}

std::size_t raise_file_limit() {
  rlimit limit{};
  checked(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  checked(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
  return limit.rlim_cur;
}

void require_room_for(std::size_t sockets) {
  require_memory(sockets);
  require_files(sockets);
}

std::size_t sockets_by_sockstat() {
  const std::string sockstat = "/proc/self/net/sockstat";
  return number_after(sockstat, "TCP:", "inuse") + number_after(sockstat, "TCP:", "tw") +
         number_after("/proc/self/net/sockstat6", "TCP6:", "inuse");
}

std::size_t sockets_by_proc_net_tcp() {
  return lines_after_heading("/proc/self/net/tcp") + lines_after_heading("/proc/self/net/tcp6");
}

std::size_t half_open_by_proc_net_tcp() { return lines_in_state("/proc/self/net/tcp", "03"); }

std::string user_name() { return ::geteuid() == 0 ? "root" : "uid " + std::to_string(::geteuid()); }

std::string kernel_release() {
  utsname name{};
  checked(::uname(&name), "uname");
  return name.release;
}

long online_cpus() { return ::sysconf(_SC_NPROCESSORS_ONLN); }

double load_average() {
  double average = 0;
  return ::getloadavg(&average, 1) == 1 ? average : 0;
}

}  // namespace sockdiag::bench
