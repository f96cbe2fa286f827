// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <vector>

#include "figures.hpp"
#include "labels.hpp"
#include "sections.hpp"
#include "sockdiag/core/port_names.hpp"

namespace sockdiag {
namespace {

Html listed(std::string_view heading, std::string_view list, const Html& items,
            std::string_view kind) {
  if (items.empty()) return {};
  return fill(R"(<div class="{kind}"><h3>{heading}</h3><{list}>{items}</{list}></div>)",
              {{"heading", heading}, {"list", list}, {"items", items}, {"kind", kind}});
}

Html steps_html(const FindingText& text, const PageFacts& facts) {
  Html items;
  for (const Text& step : text.steps) items += fill("<li>{step}</li>\n", {{"step", facts(step)}});
  return listed(facts(labels::kSteps), "ol", items, "steps");
}

Html avoid_html(const FindingText& text, const PageFacts& facts) {
  Html items;
  for (const WrongAdvice* wrong : text.avoid) {
    items += fill(R"(<li><b>{advice}</b> {fact} <cite>{source}</cite></li>)"
                  "\n",
                  {{"advice", facts(wrong->advice)},
                   {"fact", facts(wrong->fact)},
                   {"source", wrong->source}});
  }
  return listed(facts(labels::kAvoid), "ul", items, "avoid");
}

Html confirm_html(const FindingText& text, const Finding& finding, const PageFacts& facts) {
  Html items;
  for (const Confirmation& each : text.confirm) {
    items += fill(R"(<li>{what}<pre tabindex="0"><code>{command}</code></pre></li>)"
                  "\n",
                  {{"what", facts(each.what)}, {"command", command_text(each, finding)}});
  }
  return listed(facts(labels::kConfirm), "ul", items, "confirm");
}

Html unlike_html(const FindingText& text, const PageFacts& facts) {
  Html items;
  for (const LookAlike& each : text.unlike) {
    const Text& other = each.other ? text_of(*each.other).title : labels::kNoFault;
    items += fill("<li><b>{other}</b> {how}</li>\n",
                  {{"other", facts(other)}, {"how", facts(each.how_to_tell)}});
  }
  return listed(facts(labels::kUnlike), "ul", items, "unlike");
}

Html advice_html(const Finding& finding, const PageFacts& facts) {
  const FindingText& text = text_of(finding.id);
  return fill(R"(<div class="advice">
<p>{meaning}</p>
{steps}{avoid}{confirm}{unlike}
<p class="quiet"><a href="{runbook}">{runbook_label}</a> · <code>{id}</code> · {source_label}: {source}</p>
</div>)",
              {{"meaning", facts(text.meaning)},
               {"steps", steps_html(text, facts)},
               {"avoid", avoid_html(text, facts)},
               {"confirm", confirm_html(text, finding, facts)},
               {"unlike", unlike_html(text, facts)},
               {"runbook", runbook_url(finding.id)},
               {"runbook_label", facts(labels::kRunbook)},
               {"id", name_of(finding.id)},
               {"source_label", facts(labels::kSource)},
               {"source", text.source}});
}

// Stays the same while the finding holds, so that a refresh keeps it open.
std::string element_id(const Finding& finding) {
  std::string id(name_of(finding.id));
  if (finding.direction) id.append("-").append(name_of(*finding.direction));
  if (finding.port) id.append("-").append(port_label(*finding.port));
  if (!finding.of_namespace) return id;
  for (const std::string_view value : values_of(finding.owner)) id.append("-").append(value);
  return id;
}

// In whole seconds, at least one.
std::string since_text(const Finding& finding, const PageFacts& facts) {
  using std::chrono::seconds;
  const auto held = std::chrono::floor<seconds>(facts.time - finding.since);
  return duration_text(std::max(held, seconds(1)), facts.language);
}

Html finding_html(const Finding& finding, const PageFacts& facts) {
  return fill(R"(<details class="finding {severity}" id="{id}">
<summary>
<span class="badge">{label}</span>
<h2>{title}</h2>
<span class="since">{since_label} {since}</span>
<span class="seen">{seen}</span>
</summary>
{advice}
</details>
)",
              {{"severity", name_of(finding.severity)},
               {"id", element_id(finding)},
               {"label", facts(label_of(finding.severity))},
               {"title", facts(text_of(finding.id).title)},
               {"since_label", facts(labels::kSince)},
               {"since", since_text(finding, facts)},
               {"seen", seen_text(finding, facts.language)},
               {"advice", advice_html(finding, facts)}});
}

Html unchecked_html(const PageFacts& facts) {
  std::string titles;
  for (const FindingId id : facts.view.findings->unchecked) {
    titles.append(titles.empty() ? "" : " · ").append(facts(text_of(id).title));
  }
  if (titles.empty()) return {};
  return fill(R"(<p class="quiet">{label}: {titles}</p>)",
              {{"label", facts(labels::kUnchecked)}, {"titles", titles}});
}

struct Chip {
  Severity severity;
  std::size_t count;
};

// The most severe first.
std::vector<Chip> chips_of(const View& view) {
  std::vector<Chip> chips;
  for (const Severity severity : {Severity::critical, Severity::warning, Severity::info}) {
    const auto count = std::ranges::count(view.findings->found, severity, &Finding::severity);
    if (count > 0) chips.push_back({severity, static_cast<std::size_t>(count)});
  }
  return chips;
}

Html chips_html(const PageFacts& facts) {
  Html chips;
  for (const auto& [severity, count] : chips_of(facts.view)) {
    chips += fill(
        R"( <span class="chip {severity}">{label} {count}</span>)",
        {{"severity", name_of(severity)}, {"label", facts(label_of(severity))}, {"count", count}});
  }
  return chips;
}

Html sampled_html(const PageFacts& facts) {
  const auto sampled_at = facts.view.sampled_at();
  if (!sampled_at) return {};
  const SampleStatus& status = facts.view.samples->statuses.front();
  return fill(R"(<p class="quiet">{label} {time} <span id="age"></span> · {every} {interval}</p>)",
              {{"label", facts(labels::kSampledAt)},
               {"time", time_html(*sampled_at)},
               {"every", facts(labels::kEvery)},
               {"interval", duration_text(status.interval, facts.language)}});
}

struct Verdict {
  std::string_view kind;
  Text heading;
  std::optional<Text> meaning;
};

Verdict verdict_of(const View& view) {
  if (!view.sampled_at()) return {"unknown", labels::kNoSample, labels::kNoSampleMeaning};
  if (!view.is_complete()) return {"unknown", labels::kIncomplete, labels::kIncompleteMeaning};
  if (view.findings->found.empty()) return {"calm", labels::kNoFindings, labels::kCalm};
  return {"found", labels::kFindings, std::nullopt};
}

}  // namespace

std::string verdict_text(const PageFacts& facts) {
  std::string text(facts(verdict_of(facts.view).heading));
  for (const auto& [severity, count] : chips_of(facts.view)) {
    text.append(" · ").append(facts(label_of(severity))).append(" ").append(std::to_string(count));
  }
  return text;
}

Html findings_section(const PageFacts& facts) {
  const Verdict verdict = verdict_of(facts.view);
  Html found;
  const auto& findings = facts.view.findings->found;
  const std::size_t shown = std::min(findings.size(), kMostPorts);
  for (std::size_t i = 0; i < shown; ++i) found += finding_html(findings[i], facts);
  if (shown < findings.size()) {
    found += fill(R"(<p class="quiet">{label} {count}</p>)",
                  {{"label", facts(labels::kFindingsLeftOut)},
                   {"count", count_text(findings.size() - shown)}});
  }
  Html meaning;
  if (verdict.meaning) meaning = fill("<p>{text}</p>", {{"text", facts(*verdict.meaning)}});
  return fill(R"(<section id="findings" class="{kind}" aria-labelledby="verdict">
<div class="verdict"><h1 id="verdict">{heading}{chips}</h1>{meaning}{sampled}</div>
{found}{unchecked}
</section>
)",
              {{"kind", verdict.kind},
               {"heading", facts(verdict.heading)},
               {"chips", chips_html(facts)},
               {"meaning", meaning},
               {"sampled", sampled_html(facts)},
               {"found", found},
               {"unchecked", unchecked_html(facts)}});
}

}  // namespace sockdiag
