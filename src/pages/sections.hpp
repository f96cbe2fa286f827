// SPDX-License-Identifier: Apache-2.0
#pragma once

// The sections of the page, one function each. Pure functions; they throw std::bad_alloc.

#include <chrono>
#include <string_view>
#include <vector>

#include "html.hpp"
#include "sockdiag/core/exporter_state.hpp"
#include "sockdiag/diagnosis/finding_texts.hpp"
#include "sockdiag/diagnosis/text.hpp"
#include "sockdiag/pages/pages.hpp"
#include "views.hpp"

namespace sockdiag {

// What the page is rendered from.
struct PageFacts {
  const View& view;
  Language language;
  std::chrono::system_clock::time_point time;  // of the rendering
  const ExporterState& exporter;
  const std::vector<Setting>& settings;
  std::string_view telemetry_path;

  [[nodiscard]] std::string_view operator()(const Text& text) const noexcept {
    return text.in(language);
  }
};

// The most ports, and accept queues, that are listed for each direction; the most findings, and
// the most owners in each table.
inline constexpr std::size_t kMostPorts = 50;

[[nodiscard]] Html findings_section(const PageFacts& facts);
[[nodiscard]] Html totals_section(const PageFacts& facts);
[[nodiscard]] Html ports_section(const PageFacts& facts);
[[nodiscard]] Html owners_section(const PageFacts& facts);  // empty if none are known
[[nodiscard]] Html limits_section(const PageFacts& facts);
[[nodiscard]] Html trend_section(const PageFacts& facts);
[[nodiscard]] Html states_section(const PageFacts& facts);
[[nodiscard]] Html exporter_section(const PageFacts& facts);
[[nodiscard]] Html configuration_section(const PageFacts& facts);

// Returns the page with all of them.
[[nodiscard]] std::string page_html(const PageFacts& facts);

// Returns what was found, in a few words without markup.
[[nodiscard]] std::string verdict_text(const PageFacts& facts);

// Returns markup for a time, which scripts and screen readers can read.
[[nodiscard]] Html time_html(std::chrono::system_clock::time_point time);

// Returns a state's name as markup that may break after its underscore.
[[nodiscard]] Html breakable(std::string_view name);

}  // namespace sockdiag
