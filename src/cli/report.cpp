// SPDX-License-Identifier: Apache-2.0
#include "report.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "sockdiag/diagnosis/finding_texts.hpp"

namespace sockdiag {
namespace {

constexpr std::size_t kShownPorts = 8;
constexpr std::size_t kLabelColumns = 10;
constexpr std::size_t kStateColumns = 13;
constexpr std::size_t kCountColumns = 10;

constexpr Text kState("STATE", "状态");
constexpr Text kSockets("SOCKETS", "套接字数");
constexpr Text kGloss("MEANING", "含义");
constexpr Text kPorts("PORTS", "端口");
constexpr Text kFindings("FINDINGS", "诊断结果");
constexpr Text kOtherPorts("more ports with sockets: ", "其余有套接字的端口数：");
constexpr Text kHost("host", "整机");
constexpr Text kSeen("Seen", "现象");
constexpr Text kHeldBy("Held by", "持有者");
constexpr Text kMeaning("Meaning", "含义");
constexpr Text kDo("Do", "处理");
constexpr Text kDoNot("Do not", "切勿");
constexpr Text kConfirm("Confirm", "确认");
constexpr Text kUnlike("Unlike", "勿混淆");
constexpr Text kRunbook("Runbook", "运维手册");
constexpr Text kSource("Source", "依据");
constexpr Text kOpen(" (", "（");
constexpr Text kClose(")", "）");
constexpr Text kNone("No findings.", "未发现问题。");
constexpr Text kIncomplete("Diagnosis incomplete: ", "诊断数据不完整：");
constexpr Text kNoSample("there is no recent sample of the sockets.", "没有新的套接字采样。");
constexpr Text kFailed("the last sample of these sources failed: ", "最近一次采样失败的来源：");
constexpr Text kUnknownReason("the exporter does not say why.", "导出器未说明原因。");
constexpr Text kUnchecked("Not checked, or not for long enough: ", "未检查，或观察时间不够：");
constexpr Text kColon(": ", "：");
constexpr Text kComma(", ", "，");

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : ", ").append(word);
  return text;
}

std::string paragraph(std::string_view text, const Style& style) {
  return labelled_text("", 0, text, style);
}

std::string state_row(std::string_view name, std::string_view count, std::string_view gloss,
                      const Style& style) {
  const std::string label =
      padded(name, kStateColumns) + right_aligned(count, kCountColumns) + "  ";
  return labelled_text(label, kStateColumns + kCountColumns + 2, gloss, style);
}

std::string states_text(const StateCounts& totals, const Style& style) {
  const auto in = [&](const Text& text) { return text.in(style.language); };
  std::string text =
      inked(state_row(in(kState), in(kSockets), in(kGloss), style), Ink::bold, style);
  for (const TcpState state : kStatesByConcern) {
    const std::uint32_t count = totals[index_of(state)];
    if (count == 0) continue;
    const StateText& words = text_of(state);
    text += state_row(words.name, std::to_string(count), in(words.gloss), style);
  }
  return text + "\n";
}

std::string counts_of(const ShownPort& port) {
  std::vector<std::string> counts;
  for (const TcpState state : kStatesByConcern) {
    const std::uint32_t count = port.states[index_of(state)];
    if (count == 0) continue;
    counts.push_back(std::to_string(count) + " " + std::string(text_of(state).name));
  }
  return joined(counts);
}

std::string ports_text(const std::vector<ShownPort>& ports, const Style& style) {
  const auto in = [&](const Text& text) { return std::string(text.in(style.language)); };
  constexpr std::size_t kPortColumns = 16;
  std::string text = inked(in(kPorts), Ink::bold, style) + "\n";
  const std::size_t shown = std::min(ports.size(), kShownPorts);
  for (std::size_t i = 0; i < shown; ++i) {
    std::string place = place_text(ports[i].direction, ports[i].port, style.language);
    if (!ports[i].name.empty()) {
      text += place + in_brackets(ports[i].name, style.language) + "\n";
      place.clear();
    }
    text += labelled_text(place, kPortColumns, counts_of(ports[i]), style);
  }
  if (shown < ports.size()) {
    text += paragraph(in(kOtherPorts) + std::to_string(ports.size() - shown), style);
  }
  return text + "\n";
}

// One finding in its parts, each behind its label.
class FindingReport {
 public:
  FindingReport(const ShownFinding& finding, const Style& style)
      : finding_(finding), style_(style) {}

  void add_seen() {
    add_title();
    add(kSeen, finding_.text);
    add_holders();
  }
  void add_advice() {
    add(kMeaning, finding_.meaning);
    add_steps();
    add_pairs(kDoNot, finding_.avoid);
    add_confirmations();
    add_pairs(kUnlike, finding_.unlike);
    if (!finding_.runbook.empty()) add_lines(kRunbook, {finding_.runbook});
    add(kSource, finding_.source);
  }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  void add_title() {
    std::string severity(label_of(finding_.severity).in(style_.language));
    std::transform(severity.begin(), severity.end(), severity.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    std::vector<std::string> lines =
        wrapped(title_text(finding_, style_.language), style_.columns - kLabelColumns);
    for (std::string& line : lines) line = inked(line, Ink::bold, style_);
    text_ += labelled(inked(padded(severity, kLabelColumns), ink_of(finding_.severity), style_),
                      kLabelColumns, lines);
  }

  void add_lines(const Text& label, const std::vector<std::string>& lines) {
    const std::string indented = "  " + std::string(label.in(style_.language));
    text_ += labelled(inked(padded(indented, kLabelColumns + 1), Ink::faint, style_),
                      kLabelColumns + 1, lines);
  }
  void add(const Text& label, std::string_view text) {
    if (!text.empty()) add_lines(label, wrapped(text, style_.columns - kLabelColumns - 1));
  }

  // Wraps the text behind `mark`, and appends the lines.
  void append(std::vector<std::string>& lines, const std::string& mark, std::string_view text) {
    const std::size_t indent = width_of(mark);
    std::string before = mark;
    for (const auto& line : wrapped(text, style_.columns - kLabelColumns - 1 - indent)) {
      lines.push_back(before + line);
      before.assign(indent, ' ');
    }
  }

  void add_holders() {
    std::vector<std::string> lines;
    for (const std::string& each : finding_.held_by) append(lines, "- ", each);
    if (!lines.empty()) add_lines(kHeldBy, lines);
  }

  void add_steps() {
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < finding_.steps.size(); ++i) {
      append(lines, std::to_string(i + 1) + ". ", finding_.steps[i]);
    }
    if (!lines.empty()) add_lines(kDo, lines);
  }

  void add_pairs(const Text& label, const std::vector<ShownFinding::Pair>& pairs) {
    std::vector<std::string> lines;
    for (const auto& [first, second, source] : pairs) {
      std::string text;
      if (!first.empty()) text.append(first).append(kColon.in(style_.language));
      text += second;
      if (!source.empty()) text += in_brackets(source, style_.language);
      append(lines, "- ", text);
    }
    if (!lines.empty()) add_lines(label, lines);
  }

  void add_confirmations() {
    std::vector<std::string> lines;
    for (const auto& [what, command, source] : finding_.confirm) {
      append(lines, "", what);
      for (const auto& line : wrapped_command(command, style_.columns - kLabelColumns - 1)) {
        lines.push_back(inked(line, Ink::cyan, style_));
      }
    }
    if (!lines.empty()) add_lines(kConfirm, lines);
  }

  const ShownFinding& finding_;
  const Style& style_;
  std::string text_;
};

std::string incomplete_reason(const FindingsDocument& findings, const SamplesDocument& samples,
                              Language language) {
  const std::string_view blind = name_of(FindingId::blind);
  for (const ShownFinding& each : findings.findings) {
    if (each.finding == blind) return each.text;
  }
  if (!samples.totals) return std::string(kNoSample.in(language));
  if (!samples.failed.empty()) return std::string(kFailed.in(language)) + joined(samples.failed);
  return std::string(kUnknownReason.in(language));
}

std::string findings_text(const FindingsDocument& findings, const SamplesDocument& samples,
                          const Style& style) {
  const auto in = [&](const Text& text) { return std::string(text.in(style.language)); };
  std::string text;
  if (!findings.findings.empty()) text += inked(in(kFindings), Ink::bold, style) + "\n";
  for (const ShownFinding& each : findings.findings) {
    FindingReport report(each, style);
    report.add_seen();
    report.add_advice();
    text += report.text() + "\n";
  }
  if (!findings.complete) {
    const std::string reason = incomplete_reason(findings, samples, style.language);
    text += inked(paragraph(in(kIncomplete) + reason, style), Ink::yellow, style);
  } else if (findings.findings.empty()) {
    text += paragraph(in(kNone), style);
  }
  if (!findings.unchecked.empty()) {
    text += paragraph(in(kUnchecked) + joined(findings.unchecked), style);
  }
  return text;
}

}  // namespace

Ink ink_of(Severity severity) noexcept {
  if (severity == Severity::critical) return Ink::red;
  return severity == Severity::warning ? Ink::yellow : Ink::cyan;
}

std::string title_text(const ShownFinding& finding, Language language) {
  std::string place = place_text(finding.direction, finding.port, language);
  if (!finding.port_name.empty()) place += in_brackets(finding.port_name, language);
  const std::string owner = owner_text(finding.owner, language);
  if (finding.other_namespace && finding.direction.empty()) {
    place = owner;
  } else if (!owner.empty()) {
    place.append(kComma.in(language)).append(owner);
  }
  return place + std::string(kColon.in(language)) + finding.title +
         in_brackets(finding.finding, language);
}

std::string in_brackets(std::string_view text, Language language) {
  return std::string(kOpen.in(language)).append(text).append(kClose.in(language));
}

std::string place_text(std::string_view direction, std::string_view port, Language language) {
  if (direction.empty()) return std::string(kHost.in(language));
  std::string place(direction);
  for (const Direction each : kDirections) {
    if (direction == name_of(each)) place = label_of(each).in(language);
  }
  return port.empty() ? place : place.append(" ").append(port);
}

std::string labelled(std::string_view label, std::size_t label_columns,
                     const std::vector<std::string>& lines) {
  std::string text;
  std::string before(label);
  for (const std::string& line : lines) {
    text.append(before).append(line).append("\n");
    before.assign(label_columns, ' ');
  }
  return text;
}

std::string labelled_text(std::string_view label, std::size_t label_columns, std::string_view text,
                          const Style& style) {
  return labelled(padded(label, label_columns), label_columns,
                  wrapped(text, style.columns - label_columns));
}

std::string advice_text(const ShownFinding& finding, const Style& style) {
  FindingReport report(finding, style);
  report.add_advice();
  return report.text();
}

std::string report_text(std::string_view heading, const FindingsDocument& findings,
                        const SamplesDocument& samples, const Style& style) {
  std::vector<ShownPort> ports = samples.ports;
  sort_ports(ports, findings);
  std::string text = paragraph(heading, style) + "\n";
  if (samples.totals) text += states_text(*samples.totals, style);
  if (!ports.empty()) text += ports_text(ports, style);
  return text + findings_text(findings, samples, style);
}

}  // namespace sockdiag
