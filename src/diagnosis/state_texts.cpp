// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/diagnosis/finding_texts.hpp"

namespace sockdiag {
namespace {
constexpr Text kNone("?", "?");
constexpr StateText kStates[] = {
    {TcpState::listen, "LISTEN", kNone, kNone, kNone, kNone, kNone, kNone, kNone, "?"}};
}  // namespace

const StateText& text_of(TcpState) noexcept { return kStates[0]; }
std::span<const StateText> state_texts() noexcept { return kStates; }

}  // namespace sockdiag
