// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "documents.hpp"
#include "flags.hpp"
#include "report.hpp"
#include "sockdiag/core/quoted.hpp"
#include "sockdiag/diagnosis/finding_texts.hpp"
#include "sockdiag/pages/json.hpp"
#include "subcommands.hpp"
#include "terminal.hpp"

namespace sockdiag {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr std::size_t kNameColumns = 22;
constexpr std::size_t kLabelColumns = 12;

constexpr Text kStates("STATES", "状态");
constexpr Text kFindings("FINDINGS", "诊断结果");
constexpr Text kWrongAdvice("WRONG ADVICE (explain the finding in brackets for the facts)",
                            "常见误区（事实见括号中的诊断）");
constexpr Text kMeaning("Meaning", "含义");
constexpr Text kHttpServer("HTTP server", "HTTP 服务端");
constexpr Text kHttpClient("HTTP client", "HTTP 客户端");
constexpr Text kNormal("Normal", "正常情况");
constexpr Text kProblem("Problem", "异常情况");
constexpr Text kWhoActs("Who acts", "由谁处理");
constexpr Text kSource("Source", "依据");

// Letters and digits in lower case: CLOSE_WAIT, close-wait and fin-wait-1 mean what they do in ss.
std::string letters_of(std::string_view name) {
  std::string letters;
  for (const char each : name) {
    if (each == '_' || each == '-' || each == ' ') continue;
    letters += each >= 'A' && each <= 'Z' ? static_cast<char>(each + 32) : each;
  }
  return letters;
}

std::vector<std::string_view> known_names() {
  std::vector<std::string_view> names;
  names.insert(names.end(), kTcpStateNames.begin(), kTcpStateNames.end());
  names.insert(names.end(), kFindingNames.begin(), kFindingNames.end());
  return names;
}

// Returns the name of the state or finding that is meant. Throws std::runtime_error with the
// nearest name.
std::string_view subject_named(const std::string& given) {
  const std::string letters = letters_of(given);
  const auto names = known_names();
  for (const std::string_view name : names) {
    if (letters_of(name) == letters) return name;
  }
  std::string word = excerpt(given);
  std::transform(word.begin(), word.end(), word.begin(), [](char c) {
    return c == '-' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  throw std::runtime_error("explain: unknown state or finding " + quoted_excerpt(given) +
                           suggestion(word, names));
}

// Returns the document of all findings, as if each had been found on the whole host.
std::string all_findings(Language language) {
  constexpr auto kAlways = Diagnosis::TimePoint::max();
  auto findings = std::make_shared<Findings>();
  for (std::size_t i = 0; i < kFindingCount; ++i) {
    findings->found.push_back({.id = static_cast<FindingId>(i)});
  }
  auto samples = std::make_shared<Samples>();
  samples->tcp = {std::make_shared<TcpSnapshot>(), kAlways};
  samples->listeners = {std::make_shared<ListenerSnapshot>(), kAlways};
  samples->kernel = {std::make_shared<KernelValues>(), kAlways};
  Exposition exposition;
  exposition.samples = std::move(samples);
  exposition.findings = std::move(findings);
  return findings_json(exposition, Diagnosis::TimePoint::clock::now(), language);
}

std::string state_text(const StateText& state, const Style& style) {
  const auto in = [&](const Text& text) { return text.in(style.language); };
  std::string text =
      inked(std::string(state.name) + ": " + std::string(in(state.gloss)), Ink::bold, style) + "\n";
  const auto add = [&](const Text& label, std::string_view part) {
    text += labelled_text("  " + std::string(in(label)), kLabelColumns + 3, part, style);
  };
  add(kMeaning, in(state.meaning));
  add(kHttpServer, in(state.http_server));
  add(kHttpClient, in(state.http_client));
  add(kNormal, in(state.normal));
  add(kProblem, in(state.problem));
  add(kWhoActs, in(state.who_acts));
  add(kSource, state.source);
  return text;
}

std::string finding_text(const ShownFinding& finding, const Style& style) {
  return inked(finding.finding + ": " + finding.title, Ink::bold, style) + "\n" +
         advice_text(finding, style);
}

// Returns each wrong advice, and the findings that warn of it.
std::string wrong_advice_text(const FindingsDocument& findings, const Style& style) {
  std::vector<std::string> order;
  std::map<std::string, std::string> warning;
  for (const ShownFinding& finding : findings.findings) {
    for (const ShownFinding::Pair& each : finding.avoid) {
      std::string& names = warning[each.first];
      if (names.empty()) order.push_back(each.first);
      names.append(names.empty() ? "" : ", ").append(finding.finding);
    }
  }
  std::string text;
  for (const std::string& advice : order) {
    text += labelled_text("-", 2, advice + in_brackets(warning[advice], style.language), style);
  }
  return text;
}

std::string list_text(const FindingsDocument& findings, const Style& style) {
  const auto heading = [&](const Text& text) {
    return inked(text.in(style.language), Ink::bold, style) + "\n";
  };
  std::string text = heading(kStates);
  for (const StateText& each : state_texts()) {
    text += labelled_text(each.name, kNameColumns, each.gloss.in(style.language), style);
  }
  text += "\n" + heading(kFindings);
  for (const ShownFinding& each : findings.findings) {
    text += labelled_text(each.finding, kNameColumns, each.title, style);
  }
  return text + "\n" + heading(kWrongAdvice) + wrong_advice_text(findings, style);
}

// Leaves only the members of `list` whose `key` is the subject; all of them without a subject.
OrderedJson only(OrderedJson list, const char* key, std::string_view subject) {
  OrderedJson kept = OrderedJson::array();
  for (OrderedJson& each : list) {
    if (subject.empty() || each.at(key) == subject) kept.push_back(std::move(each));
  }
  return kept;
}

// Returns version 1 of the documents of states and findings in one, without what was seen.
std::string json_text(const std::string& findings, std::string_view subject, Language language) {
  OrderedJson document = OrderedJson::parse(states_json(language));
  document["states"] = only(document["states"], "state", subject);
  OrderedJson found = only(OrderedJson::parse(findings)["findings"], "finding", subject);
  for (OrderedJson& each : found) {
    for (const char* seen : {"severity", "direction", "port", "since", "seen", "text"}) {
      each.erase(seen);
    }
  }
  document["findings"] = std::move(found);
  return document.dump();
}

std::string subject_text(std::string_view subject, const FindingsDocument& findings,
                         const Style& style) {
  for (const StateText& each : state_texts()) {
    if (name_of(each.state) == subject) return state_text(each, style);
  }
  const auto found =
      std::find_if(findings.findings.begin(), findings.findings.end(),
                   [&](const ShownFinding& each) { return each.finding == subject; });
  return finding_text(*found, style);
}

}  // namespace

int explain(const ReportOptions& options) {
  const Style style = style_of(options);
  const std::string_view subject = options.subject ? subject_named(*options.subject) : "";
  const std::string json = all_findings(style.language);
  const FindingsDocument findings = read_findings(json);
  if (options.json) {
    std::cout << json_text(json, subject, style.language) << '\n';
  } else if (subject.empty()) {
    std::cout << list_text(findings, style);
  } else {
    std::cout << subject_text(subject, findings, style);
  }
  return EXIT_SUCCESS;
}

}  // namespace sockdiag
