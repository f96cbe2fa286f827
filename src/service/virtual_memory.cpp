// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/service/virtual_memory.hpp"

#include <malloc.h>
#include <pthread.h>

#include <cstddef>

namespace sockdiag {
namespace {

// Several times what the deepest thread uses, since a sanitizer takes a share.
constexpr std::size_t kStackBytes = std::size_t{512} * 1024;
// Only the sampler allocates much.
constexpr int kArenas = 2;

}  // namespace

void limit_virtual_memory() noexcept {
  ::mallopt(M_ARENA_MAX, kArenas);
  pthread_attr_t attributes;
  if (::pthread_attr_init(&attributes) != 0) return;
  if (::pthread_attr_setstacksize(&attributes, kStackBytes) == 0) {
    ::pthread_setattr_default_np(&attributes);
  }
  ::pthread_attr_destroy(&attributes);
}

}  // namespace sockdiag
