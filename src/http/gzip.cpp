// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/http/gzip.hpp"

#include <zlib.h>

#include <new>
#include <stdexcept>

namespace sockdiag {
namespace {

constexpr int kRawDeflate = -MAX_WBITS;  // no header of zlib or gzip
constexpr int kDefaultMemory = 8;

class Deflater {
 public:
  Deflater() {
    if (::deflateInit2(&stream_, Z_BEST_SPEED, Z_DEFLATED, kRawDeflate, kDefaultMemory,
                       Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  ~Deflater() { ::deflateEnd(&stream_); }

  // Ends at a byte boundary, so that the blocks of another part can follow.
  std::string compress(std::string_view text) {
    constexpr std::size_t kFlushMarker = 16;
    std::string bytes(::deflateBound(&stream_, text.size()) + kFlushMarker, '\0');
    // zlib never writes through next_in.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream_.avail_in = static_cast<uInt>(text.size());
    stream_.next_out = reinterpret_cast<Bytef*>(bytes.data());
    stream_.avail_out = static_cast<uInt>(bytes.size());
    const int result = ::deflate(&stream_, Z_SYNC_FLUSH);
    const bool whole = result == Z_OK && stream_.avail_in == 0 && stream_.avail_out > 0;
    if (!whole && !text.empty()) throw std::runtime_error("zlib did not compress all of a text");
    bytes.resize(bytes.size() - stream_.avail_out);
    return bytes;
  }

 private:
  z_stream stream_{};
};

void append_little_endian(std::string& bytes, std::uint32_t number) {
  for (unsigned shift = 0; shift < 32; shift += 8) {
    bytes += static_cast<char>((number >> shift) & 0xffU);
  }
}

}  // namespace

DeflatedPart deflate_part(std::string_view text) {
  const auto* bytes = reinterpret_cast<const Bytef*>(text.data());
  const uLong crc = ::crc32(::crc32(0, nullptr, 0), bytes, static_cast<uInt>(text.size()));
  return {Deflater().compress(text), static_cast<std::uint32_t>(crc), text.size()};
}

std::string gzip_header() {
  constexpr char kDeflateMethod = 8;
  constexpr char kFastest = 4;
  constexpr char kUnix = 3;
  return {'\x1f', '\x8b', kDeflateMethod, 0, 0, 0, 0, 0, kFastest, kUnix};
}

std::string gzip_trailer(std::span<const DeflatedPart* const> parts) {
  std::string bytes{'\x03', '\x00'};  // the last block, which is empty
  uLong crc = ::crc32(0, nullptr, 0);
  std::uint64_t length = 0;
  for (const DeflatedPart* part : parts) {
    crc = ::crc32_combine(crc, part->crc32, static_cast<z_off_t>(part->length));
    length += part->length;
  }
  append_little_endian(bytes, static_cast<std::uint32_t>(crc));
  append_little_endian(bytes, static_cast<std::uint32_t>(length));
  return bytes;
}

}  // namespace sockdiag
