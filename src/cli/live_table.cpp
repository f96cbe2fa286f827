// SPDX-License-Identifier: Apache-2.0
#include "live_table.hpp"

#include <algorithm>

#include "report.hpp"
#include "sockdiag/diagnosis/finding_texts.hpp"

namespace sockdiag {
namespace {

constexpr std::size_t kPlaceColumns = 15;
constexpr std::size_t kLeastCountColumns = 7;
constexpr std::size_t kMostFindings = 3;

constexpr Text kPort("PORT", "端口");
constexpr Text kNotShown("not shown: ", "未显示：");
constexpr Text kPortCount("ports: ", "端口数：");
constexpr Text kFindingCount("findings: ", "诊断结果数：");

using States = std::vector<TcpState>;

std::size_t columns_of(TcpState state) {
  return std::max(kLeastCountColumns, name_of(state).size()) + 1;
}

// Moves those states that there is no room for from `states` to the result, from the end on.
States take_surplus(States& states, std::size_t columns) {
  std::size_t width = kPlaceColumns;
  const auto end = std::find_if(states.begin(), states.end(), [&](TcpState state) {
    width += columns_of(state);
    return width > columns;
  });
  States surplus(end, states.end());
  states.erase(end, states.end());
  return surplus;
}

States present_states(const std::vector<ShownPort>& ports) {
  States present;
  for (const TcpState state : kStatesByConcern) {
    const bool any = std::any_of(ports.begin(), ports.end(), [&](const ShownPort& port) {
      return port.states[index_of(state)] > 0;
    });
    if (any) present.push_back(state);
  }
  return present;
}

std::string first_line(std::string_view text, const Style& style) {
  return wrapped(text, style.columns).front();
}

std::string header_row(const States& states, Language language) {
  std::string row = padded(kPort.in(language), kPlaceColumns);
  for (const TcpState state : states) {
    row += right_aligned(text_of(state).name, columns_of(state));
  }
  return row;
}

std::string port_row(const ShownPort& port, const States& states, Language language) {
  std::string row = padded(place_text(port.direction, port.port, language), kPlaceColumns);
  for (const TcpState state : states) {
    const std::uint32_t count = port.states[index_of(state)];
    row += right_aligned(count == 0 ? "." : std::to_string(count), columns_of(state));
  }
  return row;
}

// Returns the finding of the port, or null.
const ShownFinding* worst_of(const ShownPort& port, const FindingsDocument& findings) {
  for (const ShownFinding& each : findings.findings) {
    const bool is_here = !each.other_namespace;
    if (is_here && each.direction == port.direction && each.port == port.port) return &each;
  }
  return nullptr;
}

// Returns an empty text if everything is shown.
std::string rest_text(const States& surplus, std::size_t ports, std::size_t findings,
                      Language language) {
  std::string rest;
  const auto add = [&](const std::string& part) { rest.append(rest.empty() ? "" : ", ") += part; };
  for (const TcpState state : surplus) add(std::string(text_of(state).name));
  if (ports > 0) add(std::string(kPortCount.in(language)) + std::to_string(ports));
  if (findings > 0) add(std::string(kFindingCount.in(language)) + std::to_string(findings));
  return rest.empty() ? rest : std::string(kNotShown.in(language)) + rest;
}

}  // namespace

std::vector<std::string> live_table(std::string_view heading, const FindingsDocument& findings,
                                    const SamplesDocument& samples, const Style& style,
                                    std::size_t rows) {
  std::vector<ShownPort> ports = samples.ports;
  sort_ports(ports, findings);
  States states = present_states(ports);
  const States surplus = take_surplus(states, style.columns);
  std::vector<std::string> lines = {first_line(heading, style)};
  const std::size_t named = std::min(findings.findings.size(), kMostFindings);
  for (std::size_t i = 0; i < named; ++i) {
    const ShownFinding& each = findings.findings[i];
    lines.push_back(
        inked(first_line(title_text(each, style.language), style), ink_of(each.severity), style));
  }
  lines.emplace_back();
  lines.push_back(inked(header_row(states, style.language), Ink::bold, style));
  const std::size_t room = rows > lines.size() + 1 ? rows - lines.size() - 1 : 0;
  const std::size_t shown = std::min(ports.size(), room);
  for (std::size_t i = 0; i < shown; ++i) {
    const std::string row = port_row(ports[i], states, style.language);
    const ShownFinding* finding = worst_of(ports[i], findings);
    lines.push_back(finding == nullptr ? row : inked(row, ink_of(finding->severity), style));
  }
  const std::string rest =
      rest_text(surplus, ports.size() - shown, findings.findings.size() - named, style.language);
  if (!rest.empty()) lines.push_back(inked(first_line(rest, style), Ink::faint, style));
  lines.resize(std::min(lines.size(), rows));
  return lines;
}

}  // namespace sockdiag
