// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why a socket is in CLOSE_WAIT: what the application has left undone since the peer closed. The
// kernel's dump tells, at no cost: a connection that nobody has accepted has no inode, and the
// receive queue counts the end of the stream as one byte until it is read.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sockdiag/core/socket_record.hpp"

namespace sockdiag {

enum class CloseWaitCause : std::uint8_t { not_accepted, unread_data, unread_eof, not_closed };

inline constexpr std::array<std::string_view, 4> kCloseWaitCauseNames = {
    "not_accepted", "unread_data", "unread_eof", "not_closed"};

inline constexpr std::size_t kCloseWaitCauseCount = kCloseWaitCauseNames.size();

[[nodiscard]] constexpr std::size_t index_of(CloseWaitCause cause) noexcept {
  return static_cast<std::size_t>(cause);
}

// `record`: a socket in CLOSE_WAIT.
[[nodiscard]] constexpr CloseWaitCause close_wait_cause_of(const SocketRecord& record) noexcept {
  if (record.inode == 0) return CloseWaitCause::not_accepted;
  if (record.receive_queue > 1) return CloseWaitCause::unread_data;
  return record.receive_queue == 1 ? CloseWaitCause::unread_eof : CloseWaitCause::not_closed;
}

}  // namespace sockdiag
