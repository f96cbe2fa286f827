// SPDX-License-Identifier: Apache-2.0
#include "received_bytes.hpp"

#include <cstring>

namespace sockdiag {
namespace {

struct Buffer {
  void* begin = nullptr;
  std::size_t size = 0;
};
thread_local Buffer remembered;

}  // namespace

void note_received(void* buffer, std::size_t size) noexcept {
  if (remembered.begin == nullptr) remembered = {buffer, size};
}

void wipe_received() noexcept {
  if (remembered.begin != nullptr) ::explicit_bzero(remembered.begin, remembered.size);
  remembered = {};
}

}  // namespace sockdiag
