// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/pages/json.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "sockdiag/core/port_names.hpp"
#include "sockdiag/diagnosis/finding_texts.hpp"
#include "views.hpp"

namespace sockdiag {
namespace {

using Json = nlohmann::ordered_json;  // in the order of the schema

constexpr int kVersion = 1;

// Bytes that are no UTF-8 become U+FFFD, so that the document stays valid.
std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json seconds_of(std::chrono::duration<double> time) { return time.count(); }

Json time_of(const std::optional<std::chrono::system_clock::time_point>& time) {
  return time ? seconds_of(time->time_since_epoch()) : Json();
}

template <typename Value>
Json value_of(const std::optional<Value>& value) {
  return value ? Json(*value) : Json();
}

// Whole numbers without a fraction, so that they read as the counts that they are.
Json number_of(double value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (std::trunc(value) == value && std::abs(value) < kExact) {
    return static_cast<std::int64_t>(value);
  }
  return value;
}

Json seen_of(const Finding& finding) {
  Json seen = Json::object();
  for (const Measure& measure : finding.seen) seen[measure.name] = number_of(measure.value);
  return seen;
}

Json steps_of(const FindingText& text, Language language) {
  Json steps = Json::array();
  for (const Text& step : text.steps) steps.push_back(step.in(language));
  return steps;
}

Json avoid_of(const FindingText& text, Language language) {
  Json avoid = Json::array();
  for (const WrongAdvice* wrong : text.avoid) {
    avoid.push_back({{"advice", wrong->advice.in(language)},
                     {"fact", wrong->fact.in(language)},
                     {"source", wrong->source}});
  }
  return avoid;
}

Json confirm_of(const FindingText& text, const Finding& finding, Language language) {
  Json confirm = Json::array();
  for (const Confirmation& each : text.confirm) {
    confirm.push_back({{"text", each.what.in(language)}, {"command", command_text(each, finding)}});
  }
  return confirm;
}

Json unlike_of(const FindingText& text, Language language) {
  Json unlike = Json::array();
  for (const LookAlike& each : text.unlike) {
    unlike.push_back({{"finding", each.other ? Json(name_of(*each.other)) : Json()},
                      {"text", each.how_to_tell.in(language)}});
  }
  return unlike;
}

Json text_or_null(std::string_view text) { return text.empty() ? Json() : Json(text); }

// Only the labels that the owner has.
Json owner_of(const OwnerLabels& labels) {
  if (labels.empty()) return nullptr;
  Json owner = Json::object();
  const auto values = values_of(labels);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!values[i].empty()) owner[kOwnerLabelNames[i]] = values[i];
  }
  return owner;
}

Json finding_of(const Finding& finding, Language language) {
  const FindingText& text = sockdiag::text_of(finding.id);
  return {{"finding", name_of(finding.id)},
          {"severity", name_of(finding.severity)},
          {"direction", finding.direction ? Json(name_of(*finding.direction)) : Json()},
          {"port", finding.port ? Json(port_label(*finding.port)) : Json()},
          {"port_name", text_or_null(finding.port_name)},
          {"owner", owner_of(finding.owner)},
          {"other_namespace", finding.of_namespace},
          {"since", time_of(finding.since)},
          {"title", text.title.in(language)},
          {"seen", seen_of(finding)},
          {"text", seen_text(finding, language)},
          {"meaning", text.meaning.in(language)},
          {"do", steps_of(text, language)},
          {"do_not", avoid_of(text, language)},
          {"confirm", confirm_of(text, finding, language)},
          {"unlike", unlike_of(text, language)},
          {"runbook", runbook_url(finding.id)},
          {"source", text.source}};
}

Json states_of(const StateCounts& counts) {
  Json states = Json::object();
  for (std::size_t i = 0; i < counts.size(); ++i) states[kTcpStateNames[i]] = counts[i];
  return states;
}

Json causes_of(const std::array<std::uint32_t, kCloseWaitCauseCount>& counts) {
  Json causes = Json::object();
  for (std::size_t i = 0; i < kCloseWaitCauseCount; ++i) {
    causes[kCloseWaitCauseNames[i]] = counts[i];
  }
  return causes;
}

template <typename Show>
Json stays_of(const TcpSnapshot& snapshot, const PortCounts& counts, Show show) {
  if (!snapshot.unique_cookies) return nullptr;
  Json stays = Json::object();
  for (std::size_t i = 0; i < kPassingStateCount; ++i) {
    stays[name_of(kPassingStates[i])] = show(counts.stays[i]);
  }
  return stays;
}

Json accept_queue_of(const PortView& view) {
  if (!view.has_accept_queue()) return nullptr;
  const AcceptQueue& queue = view.counts->accept_queue;
  const ListenerCounts* polled = view.polled;
  return {{"length", queue.length},
          {"limit", queue.limit},
          {"peak", polled != nullptr ? Json(polled->accept_queue_peak) : Json()},
          {"utilization", number_of(queue.utilization)},
          {"drops", polled != nullptr ? value_of(polled->drops) : Json()}};
}

Json port_of(const TcpSnapshot& snapshot, const PortView& view, std::string_view name) {
  const PortCounts& counts = *view.counts;
  const auto lingering = [](const Stay& stay) { return Json(stay.lingering); };
  const auto oldest = [](const Stay& stay) { return seconds_of(stay.oldest); };
  return {{"direction", name_of(view.direction)},
          {"port", port_label(counts.port)},
          {"name", text_or_null(name)},
          {"states", states_of(counts.sockets)},
          {"close_wait_causes", causes_of(counts.close_wait_causes)},
          {"lingering", stays_of(snapshot, counts, lingering)},
          {"oldest_seconds", stays_of(snapshot, counts, oldest)},
          {"receive_queue_bytes", counts.receive_queue_bytes},
          {"send_queue_bytes", counts.send_queue_bytes},
          {"time_wait_started", snapshot.unique_cookies ? Json(counts.time_wait_started) : Json()},
          {"accept_queue", accept_queue_of(view)}};
}

Json sources_of(const Samples* samples) {
  Json sources = Json::array();
  if (samples == nullptr) return sources;
  for (const SampleStatus& status : samples->statuses) {
    sources.push_back({{"source", status.source},
                       {"success", status.success},
                       {"timestamp", time_of(status.last_success)},
                       {"interval_seconds", seconds_of(status.interval)}});
  }
  return sources;
}

Json folded_ports_of(const TcpSnapshot& snapshot) {
  Json folded = Json::object();
  for (const Direction direction : kDirections) {
    folded[name_of(direction)] = snapshot.of(direction).folded_ports;
  }
  return folded;
}

Json busiest_of(const EphemeralPortUse& use) {
  Json busiest = Json::array();
  for (std::size_t i = 0; i < std::min(use.ranks, use.busiest.size()); ++i) {
    Json each = {{"rank", i + 1}, {"used", use.busiest[i].ephemeral_ports}};
    if (use.export_addresses) each["destination"] = to_text(use.busiest[i].destination);
    busiest.push_back(std::move(each));
  }
  return busiest;
}

Json ephemeral_ports_of(const EphemeralPortUse& use) {
  return {{"available", value_of(use.available)},
          {"used_local", value_of(use.local_ports_used)},
          {"busiest", busiest_of(use)}};
}

Json kernel_of(const KernelValues* values) {
  Json kernel = Json::object();
  for (std::size_t i = 0; i < kernel_value_rows().size(); ++i) {
    kernel[kernel_value_rows()[i].metric] =
        values != nullptr && i < values->values.size() ? value_of(values->values[i]) : Json();
  }
  return kernel;
}

Json owned_of(const OwnerSnapshot& snapshot, const OwnerCounts& counts) {
  return {{"owner", owner_of(snapshot.owners[counts.owner].labels)},
          {"direction", name_of(counts.direction)},
          {"port", port_label(counts.port)},
          {"states", states_of(counts.sockets)},
          {"close_wait_causes", causes_of(counts.close_wait_causes)}};
}

Json owners_of(const OwnerSnapshot* snapshot) {
  if (snapshot == nullptr) return nullptr;
  Json owners = Json::array();
  for (const OwnerCounts& counts : snapshot->counts) owners.push_back(owned_of(*snapshot, counts));
  return owners;
}

Json namespace_of(const NamespaceSample& sample, const View& view) {
  const auto totals = view.totals_of(sample);
  const NamespaceCounters* counters = view.counters_of(sample);
  Json kernel;
  if (counters != nullptr) {
    kernel = {{"open", value_of(counters->open)},
              {"connected", value_of(counters->connected)},
              {"time_wait", value_of(counters->time_wait)}};
  }
  return {{"owner", owner_of(*sample.owner)},
          {"namespaces", sample.namespaces},
          {"totals", totals ? states_of(*totals) : Json()},
          {"kernel_sockets", std::move(kernel)}};
}

Json namespaces_of(const View& view) {
  if (view.namespaces == nullptr) return nullptr;
  Json statuses = Json::object();
  for (std::size_t i = 0; i < kNamespaceStatusNames.size(); ++i) {
    statuses[kNamespaceStatusNames[i]] = view.namespaces->statuses[i];
  }
  Json owners = Json::array();
  for (const NamespaceSample& each : view.namespaces->samples) {
    owners.push_back(namespace_of(each, view));
  }
  return {{"statuses", std::move(statuses)},
          {"rotation_seconds", seconds_of(view.namespaces->rotation)},
          {"owners", std::move(owners)}};
}

// Appends the ports one by one: with thousands of them, a tree of all would take far more memory
// than their text.
void append_ports(std::string& text, const TcpSnapshot& tcp, const View& view) {
  const char* separator = "";
  for (const PortView& port : view.ports()) {
    text.append(separator).append(text_of(port_of(tcp, port, view.port_name(port.counts->port))));
    separator = ",";
  }
}

}  // namespace

std::string findings_json(const Exposition& exposition, Diagnosis::TimePoint now,
                          Language language) {
  const View view(exposition, now);
  Json found = Json::array();
  for (const Finding& each : view.findings->found) found.push_back(finding_of(each, language));
  Json unchecked = Json::array();
  for (const FindingId id : view.findings->unchecked) unchecked.push_back(name_of(id));
  return text_of({{"version", kVersion},
                  {"language", tag_of(language)},
                  {"timestamp", time_of(view.sampled_at())},
                  {"complete", view.is_complete()},
                  {"findings", std::move(found)},
                  {"unchecked", std::move(unchecked)}});
}

std::string samples_json(const Exposition& exposition, Diagnosis::TimePoint now) {
  const View view(exposition, now);
  const TcpSnapshot* tcp = view.tcp;
  const Json rest = {
      {"version", kVersion},
      {"timestamp", time_of(view.sampled_at())},
      {"sources", sources_of(exposition.samples.get())},
      {"totals", tcp != nullptr ? states_of(view.totals()) : Json()},
      {"folded_ports", tcp != nullptr ? folded_ports_of(*tcp) : Json()},
      {"ephemeral_ports", tcp != nullptr ? ephemeral_ports_of(tcp->ephemeral) : Json()},
      {"kernel", kernel_of(view.kernel)},
      {"owners", owners_of(view.owners)},
      {"namespaces", namespaces_of(view)}};
  std::string text = text_of(rest);
  text.pop_back();
  text += ",\"ports\":[";
  if (tcp != nullptr) append_ports(text, *tcp, view);
  return text += "]}";
}

std::string states_json(Language language) {
  Json states = Json::array();
  for (const StateText& each : state_texts()) {
    states.push_back({{"state", name_of(each.state)},
                      {"name", each.name},
                      {"gloss", each.gloss.in(language)},
                      {"meaning", each.meaning.in(language)},
                      {"http_server", each.http_server.in(language)},
                      {"http_client", each.http_client.in(language)},
                      {"normal", each.normal.in(language)},
                      {"problem", each.problem.in(language)},
                      {"who_acts", each.who_acts.in(language)},
                      {"source", each.source}});
  }
  return text_of(
      {{"version", kVersion}, {"language", tag_of(language)}, {"states", std::move(states)}});
}

}  // namespace sockdiag
