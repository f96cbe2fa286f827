// SPDX-License-Identifier: Apache-2.0
#pragma once

// One gzip member (RFC 1952) put together from parts that were compressed apart (RFC 1951), so that
// a part that many answers share is compressed once. Pure functions; they throw std::bad_alloc.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sockdiag {

struct DeflatedPart {
  std::string bytes;         // deflate blocks, none of them the last, up to a byte boundary
  std::uint32_t crc32 = 0;   // of the text
  std::uint64_t length = 0;  // of the text
};

[[nodiscard]] DeflatedPart deflate_part(std::string_view text);

// header, the parts' bytes in order, trailer: that is the member.
[[nodiscard]] std::string gzip_header();
[[nodiscard]] std::string gzip_trailer(std::span<const DeflatedPart* const> parts);

}  // namespace sockdiag
