// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/diagnosis/finding_texts.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "close_wait_texts.hpp"
#include "closing_texts.hpp"
#include "finding_row.hpp"
#include "host_texts.hpp"
#include "opening_texts.hpp"

namespace sockdiag {
namespace {

constexpr std::array<std::span<const FindingRow>, 5> kSubjects = {
    kCloseWaitTexts, kInboundOpeningTexts, kOutboundOpeningTexts, kClosingTexts, kHostTexts};

// Does not compile if a finding has no row.
consteval const FindingRow& row_of(FindingId id) {
  for (const std::span<const FindingRow> rows : kSubjects) {
    for (const FindingRow& row : rows) {
      if (row.id == id) return row;
    }
  }
  throw "a finding without texts";
}

template <std::size_t... Index>
consteval std::array<FindingText, kFindingCount> in_order(std::index_sequence<Index...>) {
  return {text_of(row_of(static_cast<FindingId>(Index)))...};
}

constexpr auto kTexts = in_order(std::make_index_sequence<kFindingCount>());

constexpr std::array<Text, kSeverityNames.size()> kSeverityLabels = {
    {{"info", "提示"}, {"warning", "警告"}, {"critical", "严重"}}};

constexpr std::array<Text, kDirections.size()> kDirectionLabels = {
    {{"inbound", "入站"}, {"outbound", "出站"}}};

}  // namespace

const FindingText& text_of(FindingId id) noexcept { return kTexts[index_of(id)]; }

Text label_of(Severity severity) noexcept {
  return kSeverityLabels[static_cast<std::size_t>(severity)];
}

Text label_of(Direction direction) noexcept { return kDirectionLabels[index_of(direction)]; }

std::string runbook_url(FindingId id) {
  constexpr std::string_view kRunbook =
      "https://github.com/sockdiag/sockdiag_exporter/blob/main/deploy/prometheus/runbook.md#";
  return std::string(kRunbook).append(text_of(id).runbook);
}

}  // namespace sockdiag
