// SPDX-License-Identifier: Apache-2.0
#pragma once

// Builds one gzip member (RFC 1952) from parts that were compressed one by one (RFC 1951). So a
// part that many answers share is compressed once. Pure functions; they throw std::bad_alloc.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sockdiag {

struct DeflatedPart {
  std::string bytes;         // deflate blocks without the last one, up to a byte boundary
  std::uint32_t crc32 = 0;   // of the text
  std::uint64_t length = 0;  // bytes of the text
};

[[nodiscard]] DeflatedPart deflate_part(std::string_view text);

// A member is the header, the bytes of the parts in order, and the trailer.
[[nodiscard]] std::string gzip_header();
[[nodiscard]] std::string gzip_trailer(std::span<const DeflatedPart* const> parts);

}  // namespace sockdiag
