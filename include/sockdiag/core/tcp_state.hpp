// SPDX-License-Identifier: Apache-2.0
#pragma once

// The TCP states as the kernel numbers them (include/net/tcp_states.h) and as RFC 9293 explains
// them. NEW_SYN_RECV (12) never leaves the kernel: sock_diag reports such sockets as SYN_RECV.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sockdiag {

enum class TcpState : std::uint8_t {
  established = 1,
  syn_sent = 2,
  syn_recv = 3,
  fin_wait1 = 4,
  fin_wait2 = 5,
  time_wait = 6,
  close = 7,
  close_wait = 8,
  last_ack = 9,
  listen = 10,
  closing = 11,
};

// Names by state number less one, the same as those of node_exporter's tcpstat collector.
inline constexpr std::array<std::string_view, 11> kTcpStateNames = {
    "established", "syn_sent",   "syn_recv", "fin_wait1", "fin_wait2", "time_wait",
    "close",       "close_wait", "last_ack", "listen",    "closing"};

inline constexpr std::size_t kTcpStateCount = kTcpStateNames.size();

[[nodiscard]] constexpr std::size_t index_of(TcpState state) noexcept {
  return static_cast<std::size_t>(state) - 1;
}

[[nodiscard]] constexpr std::string_view name_of(TcpState state) noexcept {
  return kTcpStateNames[index_of(state)];
}

// Returns nothing if the kernel's number is none of the eleven states.
[[nodiscard]] constexpr std::optional<TcpState> tcp_state_from_number(
    std::uint8_t number) noexcept {
  if (number < 1 || number > kTcpStateCount) return std::nullopt;
  return static_cast<TcpState>(number);
}

// The states that a healthy connection only passes through (RFC 9293, section 3.3.2). A connection
// that stays in one of them shows a fault. TIME_WAIT is none of them, since it lasts by design; its
// starts are counted instead.
inline constexpr std::array<TcpState, 7> kPassingStates = {
    TcpState::syn_sent, TcpState::syn_recv,   TcpState::fin_wait1, TcpState::fin_wait2,
    TcpState::closing,  TcpState::close_wait, TcpState::last_ack};

inline constexpr std::size_t kPassingStateCount = kPassingStates.size();

// Indexed like kPassingStates.
template <typename Value>
using ByPassingState = std::array<Value, kPassingStateCount>;

// Returns the index of `state` in kPassingStates, or kPassingStateCount if it is not there.
[[nodiscard]] constexpr std::size_t passing_index_of(TcpState state) noexcept {
  constexpr auto kIndices = [] {
    std::array<std::uint8_t, kTcpStateCount> indices{};
    indices.fill(kPassingStateCount);
    for (std::uint8_t i = 0; i < kPassingStateCount; ++i) indices[index_of(kPassingStates[i])] = i;
    return indices;
  }();
  return kIndices[index_of(state)];
}

}  // namespace sockdiag
