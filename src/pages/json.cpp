// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/pages/json.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

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

Json finding_of(const Finding& finding, Language language) {
  const FindingText& text = sockdiag::text_of(finding.id);
  return {{"finding", name_of(finding.id)},
          {"severity", name_of(finding.severity)},
          {"direction", finding.direction ? Json(name_of(*finding.direction)) : Json()},
          {"port", finding.port ? Json(port_name(*finding.port)) : Json()},
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

Json causes_of(const PortCounts& counts) {
  Json causes = Json::object();
  for (std::size_t i = 0; i < kCloseWaitCauseCount; ++i) {
    causes[kCloseWaitCauseNames[i]] = counts.close_wait_causes[i];
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

Json port_of(const TcpSnapshot& snapshot, const PortView& view) {
  const PortCounts& counts = *view.counts;
  const auto lingering = [](const Stay& stay) { return Json(stay.lingering); };
  const auto oldest = [](const Stay& stay) { return seconds_of(stay.oldest); };
  return {{"direction", name_of(view.direction)},
          {"port", port_name(counts.port)},
          {"states", states_of(counts.sockets)},
          {"close_wait_causes", causes_of(counts)},
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

// Appends the ports one by one: with thousands of them, a tree of all would take far more memory
// than their text.
void append_ports(std::string& text, const TcpSnapshot& tcp, const View& view) {
  const char* separator = "";
  for (const PortView& port : view.ports()) {
    text.append(separator).append(text_of(port_of(tcp, port)));
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
      {"kernel", kernel_of(view.kernel)}};
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
