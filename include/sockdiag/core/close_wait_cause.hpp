// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why a socket is in CLOSE_WAIT: what the application has not done since the peer closed. The
// kernel's dump shows it at no extra cost. A connection that the application has not accepted has
// no inode. The receive queue counts the end of the stream as one byte until it is read.
//
// A TLS peer sends a goodbye before the end of the stream (close_notify; HTTP/2: GOAWAY). A
// connection pool that does not watch its idle connections leaves both unread. Only the length of
// the receive queue shows that.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sockdiag/core/socket_record.hpp"

namespace sockdiag {

enum class CloseWaitCause : std::uint8_t {
  not_accepted,
  unread_data,
  unread_goodbye,
  unread_eof,
  not_closed
};

inline constexpr std::array<std::string_view, 5> kCloseWaitCauseNames = {
    "not_accepted", "unread_data", "unread_goodbye", "unread_eof", "not_closed"};

inline constexpr std::size_t kCloseWaitCauseCount = kCloseWaitCauseNames.size();

[[nodiscard]] constexpr std::size_t index_of(CloseWaitCause cause) noexcept {
  return static_cast<std::size_t>(cause);
}

// Lengths in bytes of receive queues that hold a goodbye and the end of the stream, ascending. Each
// TLS record has 5 bytes of header, what its cipher adds, and the text: 2 bytes of close_notify, 17
// of GOAWAY. TLS 1.3 adds 17 bytes (CCM_8: 9). TLS 1.2 adds 24 (ChaCha20, CCM_8: 16), or with CBC
// 16, the padding and the MAC. tests/e2e/test_tls_goodbyes.py makes all of them with OpenSSL.
// nginx and Go send GOAWAY once, Envoy and nghttpx twice, and Apache with the text "timeout".
inline constexpr auto kGoodbyeLengths = std::to_array<std::uint8_t>({
    17,   // TLS 1.3 CCM_8: close_notify
    24,   // TLS 1.2 ChaCha20, CCM_8: close_notify
    25,   // TLS 1.3: close_notify
    32,   // TLS 1.2 GCM, CCM: close_notify
    54,   // TLS 1.2 CBC with SHA1: close_notify
    58,   // TLS 1.2 CBC with SHA1, encrypt-then-MAC: close_notify
    62,   // TLS 1.2 ChaCha20: GOAWAY, close_notify
    64,   // TLS 1.3: GOAWAY, close_notify
    69,   // TLS 1.2 ChaCha20: GOAWAY with "timeout", close_notify
    70,   // TLS 1.2 CBC with SHA256, encrypt-then-MAC or not: close_notify
    71,   // TLS 1.3: GOAWAY with "timeout", close_notify
    78,   // TLS 1.2 GCM, CCM: GOAWAY, close_notify
    85,   // TLS 1.2 GCM, CCM: GOAWAY with "timeout", close_notify
    86,   // TLS 1.2 CBC with SHA384, encrypt-then-MAC or not: close_notify
    100,  // TLS 1.2 ChaCha20: GOAWAY twice, close_notify
    103,  // TLS 1.3: GOAWAY twice, close_notify
    124,  // TLS 1.2 GCM, CCM: GOAWAY twice, close_notify
});

// kGoodbyeLengths as bits, so that is_goodbye() costs the same for a table of any size.
inline constexpr auto kGoodbyeBits = [] {
  std::array<std::uint64_t, 2> bits{};
  for (const std::uint8_t length : kGoodbyeLengths) bits[length / 64U] |= 1ULL << (length % 64U);
  return bits;
}();

[[nodiscard]] constexpr bool is_goodbye(std::uint32_t receive_queue) noexcept {
  return receive_queue < 64 * kGoodbyeBits.size() &&
         ((kGoodbyeBits[receive_queue / 64U] >> (receive_queue % 64U)) & 1U) != 0;
}

// Returns the cause for `record`, which is a socket in CLOSE_WAIT.
[[nodiscard]] constexpr CloseWaitCause close_wait_cause_of(const SocketRecord& record) noexcept {
  if (record.inode == 0) return CloseWaitCause::not_accepted;
  if (record.receive_queue == 0) return CloseWaitCause::not_closed;
  if (record.receive_queue == 1) return CloseWaitCause::unread_eof;
  return is_goodbye(record.receive_queue) ? CloseWaitCause::unread_goodbye
                                          : CloseWaitCause::unread_data;
}

}  // namespace sockdiag
