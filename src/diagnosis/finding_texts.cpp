// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/diagnosis/finding_texts.hpp"

namespace sockdiag {
namespace {
constexpr Text kNone("?", "?");
constexpr FindingText kFinding = {FindingId::blind, kNone, kNone, kNone, {}, {}, {}, {}, "?", "?"};
}  // namespace

const FindingText& text_of(FindingId) noexcept { return kFinding; }
Text label_of(Severity) noexcept { return kNone; }
Text label_of(Direction) noexcept { return kNone; }
std::string seen_text(const Finding&, Language language) { return std::string(kNone.in(language)); }
std::string command_text(const Confirmation& confirmation, const Finding&) {
  return std::string(confirmation.command);
}
std::string runbook_url(FindingId) { return "?"; }

}  // namespace sockdiag
