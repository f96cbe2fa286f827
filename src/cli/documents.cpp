// SPDX-License-Identifier: Apache-2.0
#include "documents.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <tuple>
#include <utility>

#include "sockdiag/core/quoted.hpp"
#include "terminal.hpp"

namespace sockdiag {
namespace {

using Json = nlohmann::json;

constexpr int kVersion = 1;

std::string string_of(const Json& json) { return printable(json.get_ref<const Json::string_t&>()); }

// Returns an empty text for null.
std::string optional_string(const Json& json) { return json.is_null() ? "" : string_of(json); }

std::optional<double> optional_number(const Json& json) {
  if (json.is_null()) return std::nullopt;
  if (!json.is_number()) throw DocumentError("a document with a text where a number was expected");
  return json.get<double>();
}

std::uint32_t count_of(const Json& json) {
  if (!json.is_number_unsigned() || json > std::numeric_limits<std::uint32_t>::max()) {
    throw DocumentError("a document without a count where one was expected");
  }
  return json.get<std::uint32_t>();
}

std::vector<std::string> strings_of(const Json& json) {
  std::vector<std::string> strings;
  for (const Json& each : json.get_ref<const Json::array_t&>()) strings.push_back(string_of(each));
  return strings;
}

std::vector<ShownFinding::Pair> pairs_of(const Json& json, const char* first, const char* second) {
  std::vector<ShownFinding::Pair> pairs;
  for (const Json& each : json.get_ref<const Json::array_t&>()) {
    pairs.push_back({optional_string(each.at(first)), string_of(each.at(second)),
                     each.contains("source") ? string_of(each["source"]) : ""});
  }
  return pairs;
}

Severity severity_of(const Json& json) {
  const auto& name = json.get_ref<const Json::string_t&>();
  const auto* found = std::find(kSeverityNames.begin(), kSeverityNames.end(), name);
  if (found == kSeverityNames.end()) throw DocumentError("a document with an unknown severity");
  return static_cast<Severity>(found - kSeverityNames.begin());
}

// Only `diagnose` on the host itself knows who holds the sockets.
std::vector<std::string> held_by_of(const Json& finding) {
  if (!finding.contains("held_by")) return {};
  const Json& held_by = finding["held_by"];
  std::vector<std::string> lines;
  for (const Json& each : held_by.at("processes").get_ref<const Json::array_t&>()) {
    lines.push_back(string_of(each.at("text")));
  }
  for (std::string& note : strings_of(held_by.at("notes"))) lines.push_back(std::move(note));
  return lines;
}

// An exporter that is older does not say it.
std::string newer_string(const Json& json, const char* key) {
  return json.contains(key) ? optional_string(json[key]) : "";
}

OwnerLabels owner_of(const Json& json) {
  if (!json.contains("owner") || json["owner"].is_null()) return {};
  const Json& owner = json["owner"];
  return {newer_string(owner, "namespace"), newer_string(owner, "pod"),
          newer_string(owner, "container"), newer_string(owner, "unit"),
          newer_string(owner, "pod_uid")};
}

ShownFinding finding_of(const Json& json) {
  return {
      .finding = string_of(json.at("finding")),
      .severity = severity_of(json.at("severity")),
      .direction = optional_string(json.at("direction")),
      .port = optional_string(json.at("port")),
      .owner = owner_of(json),
      .other_namespace = json.contains("other_namespace") && json["other_namespace"].get<bool>(),
      .port_name = newer_string(json, "port_name"),
      .title = string_of(json.at("title")),
      .text = string_of(json.at("text")),
      .held_by = held_by_of(json),
      .meaning = string_of(json.at("meaning")),
      .steps = strings_of(json.at("do")),
      .avoid = pairs_of(json.at("do_not"), "advice", "fact"),
      .confirm = pairs_of(json.at("confirm"), "text", "command"),
      .unlike = pairs_of(json.at("unlike"), "finding", "text"),
      .runbook = string_of(json.at("runbook")),
      .source = string_of(json.at("source"))};
}

StateCounts states_of(const Json& json) {
  StateCounts counts{};
  for (std::size_t i = 0; i < counts.size(); ++i) {
    counts[i] = count_of(json.at(std::string(kTcpStateNames[i])));
  }
  return counts;
}

ShownPort port_of(const Json& json) {
  return {string_of(json.at("direction")), string_of(json.at("port")), states_of(json.at("states")),
          newer_string(json, "name")};
}

// Calls `read` with the parsed document. Every exception of the parser ends here.
template <typename Read>
auto read_document(std::string_view text, Read read) {
  try {
    const Json json = Json::parse(text);
    if (!json.is_object() || !json.contains("version")) {
      throw DocumentError("not a document of sockdiag_exporter");
    }
    // Comparing and printing what is nested recurse: a hostile document may be a million deep.
    if (json["version"].is_structured()) {
      throw DocumentError("not a document of sockdiag_exporter");
    }
    if (json["version"] != kVersion) {
      throw DocumentError("a document of version " +
                          excerpt(printable(json["version"].dump()), 20) + ", expected " +
                          std::to_string(kVersion));
    }
    return read(json);
  } catch (const Json::parse_error&) {
    throw DocumentError("not JSON");
  } catch (const Json::exception&) {
    throw DocumentError("a document without all that version 1 has");
  }
}

}  // namespace

bool FindingsDocument::has_warning() const noexcept {
  return std::any_of(findings.begin(), findings.end(),
                     [](const ShownFinding& each) { return each.severity >= Severity::warning; });
}

std::uint64_t ShownPort::troubled() const noexcept {
  std::uint64_t sum = 0;
  for (const TcpState state : kPassingStates) sum += states[index_of(state)];
  return sum;
}

std::uint64_t ShownPort::sockets() const noexcept {
  return std::accumulate(states.begin(), states.end(), std::uint64_t{0});
}

FindingsDocument read_findings(std::string_view json) {
  return read_document(json, [](const Json& document) {
    FindingsDocument result;
    result.complete = document.at("complete").get<bool>();
    for (const Json& each : document.at("findings").get_ref<const Json::array_t&>()) {
      result.findings.push_back(finding_of(each));
    }
    result.unchecked = strings_of(document.at("unchecked"));
    return result;
  });
}

SamplesDocument read_samples(std::string_view json) {
  return read_document(json, [](const Json& document) {
    SamplesDocument result;
    result.timestamp = optional_number(document.at("timestamp"));
    if (!document.at("totals").is_null()) result.totals = states_of(document.at("totals"));
    for (const Json& each : document.at("ports").get_ref<const Json::array_t&>()) {
      result.ports.push_back(port_of(each));
    }
    for (const Json& each : document.at("sources").get_ref<const Json::array_t&>()) {
      if (!each.at("success").get<bool>()) result.failed.push_back(string_of(each.at("source")));
    }
    return result;
  });
}

Look read_documents(const Documents& documents, const std::string& who) {
  try {
    return {read_findings(documents.findings), read_samples(documents.samples)};
  } catch (const DocumentError& error) {
    throw DocumentError((who.empty() ? "" : who + ": ") + "the answer is " + error.what());
  }
}

void sort_ports(std::vector<ShownPort>& ports, const FindingsDocument& findings) {
  using Place = std::pair<std::string_view, std::string_view>;
  std::map<Place, std::size_t> ranks;
  for (const ShownFinding& each : findings.findings) {
    if (!each.other_namespace) ranks.try_emplace({each.direction, each.port}, ranks.size());
  }
  const auto rank_of = [&](const ShownPort& port) {
    const auto found = ranks.find({port.direction, port.port});
    return found == ranks.end() ? ranks.size() : found->second;
  };
  std::erase_if(ports, [](const ShownPort& port) { return port.sockets() == 0; });
  std::stable_sort(ports.begin(), ports.end(), [&](const ShownPort& a, const ShownPort& b) {
    return std::tuple(rank_of(a), b.troubled(), b.sockets()) <
           std::tuple(rank_of(b), a.troubled(), a.sockets());
  });
}

}  // namespace sockdiag
