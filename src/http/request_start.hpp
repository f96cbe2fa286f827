// SPDX-License-Identifier: Apache-2.0
#pragma once

// Tells from the first bytes of a connection whether a worker has something to do with it. Pure
// functions.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sockdiag {

// Bytes that CivetWeb holds of the head of a request; a longer one is refused.
constexpr std::size_t kMaxRequestBytes = 8192;

// Returns true if the head of a request has arrived, or so much of it that CivetWeb refuses it:
// a byte that no head has, or too many of them.
[[nodiscard]] constexpr bool head_has_arrived(std::string_view bytes) noexcept {
  constexpr char kFirstPrintable = ' ';
  constexpr char kDelete = '\x7f';
  if (bytes.size() >= kMaxRequestBytes) return true;
  if (bytes.find("\r\n\r\n") != bytes.npos || bytes.find("\n\n") != bytes.npos) return true;
  for (const char byte : bytes) {
    const bool ascii = static_cast<unsigned char>(byte) <= static_cast<unsigned char>(kDelete);
    const bool control = ascii && (byte < kFirstPrintable || byte == kDelete);
    if (control && byte != '\r' && byte != '\n') return true;
  }
  return false;
}

// Returns true if the first record of a TLS handshake (RFC 8446, section 5.1) has arrived, or what
// is none. The record has a type in one byte, a version in two, and its length in two.
[[nodiscard]] constexpr bool hello_has_arrived(std::string_view bytes) noexcept {
  constexpr std::size_t kHeaderBytes = 5;
  constexpr char kHandshake = 22;
  if (!bytes.empty() && bytes[0] != kHandshake) return true;
  if (bytes.size() >= kMaxRequestBytes) return true;
  if (bytes.size() < kHeaderBytes) return false;
  const auto high = static_cast<std::uint8_t>(bytes[3]);
  const auto low = static_cast<std::uint8_t>(bytes[4]);
  return bytes.size() - kHeaderBytes >= (std::size_t{high} << 8U) + low;
}

}  // namespace sockdiag
