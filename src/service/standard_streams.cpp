// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/service/standard_streams.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <iostream>

namespace sockdiag {
namespace {

bool is_open(int fd) noexcept { return ::fcntl(fd, F_GETFD) != -1; }

// open(2) takes the lowest free number, which is the closed one. A root without /dev is still a
// directory.
void hold_lowest(int access) noexcept {
  if (::open("/dev/null", access) < 0) static_cast<void>(::open("/", O_PATH));
}

}  // namespace

void hold_standard_descriptors() noexcept {
  constexpr std::array<int, 3> kUselessAccess = {O_WRONLY, O_RDONLY, O_RDONLY};
  for (int fd = 0; fd < 3; ++fd) {
    if (!is_open(fd)) hold_lowest(kUselessAccess.at(static_cast<std::size_t>(fd)));
  }
}

bool flush_standard_output() { return static_cast<bool>(std::cout.flush()); }

}  // namespace sockdiag
