// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the tables of sockets by cookie have in common: they grow to a pile and shrink after it.

#include <cstddef>

namespace sockdiag {

inline constexpr float kCookieTableLoad = 0.8F;

// Makes `table` smaller where most of its buckets are empty. Throws std::bad_alloc; then it is as
// it was.
template <typename Table>
void give_back_memory(Table& table) {
  constexpr std::size_t kTooRoomy = 4;  // buckets a socket
  constexpr std::size_t kSmallTable = 1024;
  const std::size_t buckets = table.bucket_count();
  if (buckets > kSmallTable && buckets / kTooRoomy > table.size()) table.rehash(0);
}

}  // namespace sockdiag
