// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/service/process.hpp"

#include <cxxabi.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <new>
#include <string_view>
#include <typeinfo>

namespace sockdiag {
namespace {

// Several times what the deepest thread uses, since a sanitizer takes a share: the thread sanitizer
// more than half a megabyte, without which no thread starts.
#ifdef __SANITIZE_THREAD__
constexpr std::size_t kStackBytes = std::size_t{2048} * 1024;
#else
constexpr std::size_t kStackBytes = std::size_t{512} * 1024;
#endif
constexpr int kArenas = 2;  // only the sampler allocates much

bool is_open(int fd) noexcept { return ::fcntl(fd, F_GETFD) != -1; }

// open(2) takes the lowest free number, which is the closed one. A root without /dev is still a
// directory.
void hold_lowest(int access) noexcept {
  if (::open("/dev/null", access) < 0) static_cast<void>(::open("/", O_PATH));
}

// Allocates nothing.
[[noreturn]] void on_terminate() noexcept {
  const std::type_info* const type = abi::__cxa_current_exception_type();
  if (type == nullptr || *type != typeid(std::bad_alloc)) std::abort();
  write_out_of_memory();
  ::_exit(EXIT_FAILURE);
}

}  // namespace

void write_out_of_memory() noexcept {
  static std::atomic_flag is_written;
  if (is_written.test_and_set()) return;
  constexpr std::string_view kLine = "sockdiag_exporter: out of memory\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kLine.data(), kLine.size());
}

void end_if_out_of_memory() noexcept { std::set_terminate(on_terminate); }

void hold_standard_descriptors() noexcept {
  if (!is_open(STDIN_FILENO)) hold_lowest(O_WRONLY);
  if (!is_open(STDOUT_FILENO)) hold_lowest(O_RDONLY);
  if (!is_open(STDERR_FILENO)) hold_lowest(O_RDONLY);
}

void limit_virtual_memory() noexcept {
  ::mallopt(M_ARENA_MAX, kArenas);
  pthread_attr_t attributes;
  if (::pthread_attr_init(&attributes) != 0) return;
  if (::pthread_attr_setstacksize(&attributes, kStackBytes) == 0) {
    ::pthread_setattr_default_np(&attributes);
  }
  ::pthread_attr_destroy(&attributes);
}

bool flush_standard_output() { return static_cast<bool>(std::cout.flush()); }

}  // namespace sockdiag
