// SPDX-License-Identifier: Apache-2.0
#pragma once

// The documents of findings and samples as people read them. Pure functions.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "documents.hpp"
#include "sockdiag/diagnosis/text.hpp"
#include "terminal.hpp"

namespace sockdiag {

// The states that people look for first.
inline constexpr auto kStatesByConcern = std::to_array<TcpState>(
    {TcpState::close_wait, TcpState::syn_recv, TcpState::syn_sent, TcpState::fin_wait1,
     TcpState::fin_wait2, TcpState::closing, TcpState::last_ack, TcpState::time_wait,
     TcpState::established, TcpState::listen, TcpState::close});

[[nodiscard]] Ink ink_of(Severity severity) noexcept;

// Returns the text behind another one, in the brackets of the language.
[[nodiscard]] std::string in_brackets(std::string_view text, Language language);

// Returns "inbound 8080: Service never closes (cw_in_not_closed)" in that language.
[[nodiscard]] std::string title_text(const ShownFinding& finding, Language language);

// Returns whole lines: the states, the ports and the findings, the worst first. `heading` says what
// was watched. No line is longer than the style's columns, unless it is a single word.
[[nodiscard]] std::string report_text(std::string_view heading, const FindingsDocument& findings,
                                      const SamplesDocument& samples, const Style& style);

// Returns what a finding means and what to do, without what was seen.
[[nodiscard]] std::string advice_text(const ShownFinding& finding, const Style& style);

// Returns "inbound 8080" in the language of the style, or the words for the whole host.
[[nodiscard]] std::string place_text(std::string_view direction, std::string_view port,
                                     Language language);

// Returns a line that ends with a line feed for each of `lines`, the first behind `label`, the
// others below it.
[[nodiscard]] std::string labelled(std::string_view label, std::size_t label_columns,
                                   const std::vector<std::string>& lines);

// Returns labelled() of a paragraph.
[[nodiscard]] std::string labelled_text(std::string_view label, std::size_t label_columns,
                                        std::string_view text, const Style& style);

}  // namespace sockdiag
