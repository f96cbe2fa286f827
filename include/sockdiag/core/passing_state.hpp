// SPDX-License-Identifier: Apache-2.0
#pragma once

// The states that a healthy connection only passes through (RFC 9293, section 3.3.2). A connection
// that stays in one of them shows a fault. TIME_WAIT is none of them, since it lasts by design; its
// starts are counted instead.

#include <array>
#include <cstddef>
#include <cstdint>

#include "sockdiag/core/tcp_state.hpp"

namespace sockdiag {

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
