// SPDX-License-Identifier: Apache-2.0

// How the exporter itself is, and how it is set up.

#include "figures.hpp"
#include "labels.hpp"
#include "sections.hpp"
#include "sockdiag/core/version.hpp"

namespace sockdiag {
namespace {

using TimePoint = std::chrono::system_clock::time_point;

Html source_html(const SampleStatus& status, const PageFacts& facts) {
  const Html never = fill("{never}", {{"never", facts(labels::kNever)}});
  return fill(
      R"(<tr><th scope="row">{source}</th><td class="{kind}">{result}</td><td>{last}</td><td>{interval}</td><td>{took}</td><td>{cpu}</td><td>{attempts}</td><td>{failures}</td></tr>
)",
      {{"source", status.source},
       {"kind", status.success ? "good" : "bad"},
       {"result", facts(status.success ? labels::kGood : labels::kFailed)},
       {"last", status.last_success ? time_html(*status.last_success) : never},
       {"interval", duration_text(status.interval, facts.language)},
       {"took", duration_text(status.duration, facts.language)},
       {"cpu", duration_text(status.cpu_time_total, facts.language)},
       {"attempts", count_text(status.attempts)},
       {"failures", count_text(status.failures)}});
}

Html sources_html(const PageFacts& facts) {
  Html rows;
  if (facts.view.samples == nullptr) return rows;
  for (const SampleStatus& status : facts.view.samples->statuses)
    rows += source_html(status, facts);
  return fill(R"(<div class="scroll" tabindex="0" role="region" aria-labelledby="sources"><table>
<caption id="sources">{caption}</caption>
<thead><tr><th scope="col">{source}</th><th scope="col">{result}</th><th scope="col">{last}</th><th scope="col">{interval}</th><th scope="col">{took}</th><th scope="col">{cpu}</th><th scope="col">{attempts}</th><th scope="col">{failures}</th></tr></thead>
<tbody>
{rows}</tbody></table></div>
)",
              {{"caption", facts(labels::kSources)},
               {"source", facts(labels::kSourceName)},
               {"result", facts(labels::kLastAttempt)},
               {"last", facts(labels::kLastGood)},
               {"interval", facts(labels::kInterval)},
               {"took", facts(labels::kTook)},
               {"cpu", facts(labels::kCpuShare)},
               {"attempts", facts(labels::kAttempts)},
               {"failures", facts(labels::kFailures)},
               {"rows", rows}});
}

Html fact_html(std::string_view label, const std::string& value) {
  return fill("<dt>{label}</dt><dd>{value}</dd>\n", {{"label", label}, {"value", value}});
}

// What cannot be read is left out.
template <typename Value, typename Show>
Html fact_html(std::string_view label, const std::optional<Value>& value, Show show) {
  return value ? fact_html(label, show(*value)) : Html();
}

std::string version_text() {
  const BuildInfo build = build_info();
  std::string text(build.version);
  return text.append(" (").append(build.revision).append(", ").append(build.compiler).append(")");
}

std::string reload_text(const PageFacts& facts) {
  const ReloadStatus& reload = facts.exporter.reload;
  std::string text = clock_text(reload.last_success);
  if (!reload.successful) text.append("; ").append(facts(labels::kReloadFailed));
  return text;
}

// With its share of the time since the start, if that is known.
std::string cpu_text(double cpu, const PageFacts& facts) {
  std::string text = duration_text(Seconds(cpu), facts.language);
  if (!facts.exporter.process_start_time_seconds) return text;
  const Seconds time = facts.time.time_since_epoch();
  const double running = time.count() - *facts.exporter.process_start_time_seconds;
  if (running <= 0) return text;
  return text + " (" + percent_text(cpu / running).append(" ").append(facts(labels::kOfOneCpu)) +
         ")";
}

Html process_html(const PageFacts& facts) {
  const ProcessStats& process = facts.exporter.process;
  const auto seconds = [&](double value) { return duration_text(Seconds(value), facts.language); };
  const auto bytes = [](std::uint64_t value) { return bytes_text(static_cast<double>(value)); };
  const Seconds time = facts.time.time_since_epoch();
  const auto running = [&](double start) { return seconds(time.count() - start); };
  Html list = fact_html(facts(labels::kVersion), version_text());
  list += fact_html(facts(labels::kStarted), facts.exporter.process_start_time_seconds, running);
  list += fact_html(facts(labels::kCpu), process.cpu_seconds,
                    [&](double cpu) { return cpu_text(cpu, facts); });
  list += fact_html(facts(labels::kResident), process.resident_memory_bytes, bytes);
  list += fact_html(facts(labels::kDescriptors), process.open_fds, count_text);
  list += fact_html(facts(labels::kReload), reload_text(facts));
  return list;
}

Html setting_html(const Setting& setting, const PageFacts& facts) {
  return fill(
      R"(<tr class="{kind}"><th scope="row"><code>{key}</code></th><td><code>{value}</code></td><td>{origin}</td></tr>
)",
      {{"kind", setting.is_default ? "default" : "changed"},
       {"key", setting.key},
       {"value", setting.value},
       {"origin", facts(setting.is_default ? labels::kDefault : labels::kChanged)}});
}

}  // namespace

Html exporter_section(const PageFacts& facts) {
  return fill(R"(<section id="exporter" aria-labelledby="exporter-heading">
<h2 id="exporter-heading">{heading}</h2>
{sources}<dl class="facts">
{process}</dl>
</section>
)",
              {{"heading", facts(labels::kExporter)},
               {"sources", sources_html(facts)},
               {"process", process_html(facts)}});
}

Html configuration_section(const PageFacts& facts) {
  if (facts.settings.empty()) return {};
  Html rows;
  for (const Setting& setting : facts.settings) rows += setting_html(setting, facts);
  return fill(R"(<section id="configuration" aria-label="{heading}">
<details id="settings"><summary><h2>{heading}</h2></summary>
<div class="scroll" tabindex="0" role="region" aria-label="{key}, {value}"><table class="settings">
<thead><tr><th scope="col">{key}</th><th scope="col">{value}</th><td></td></tr></thead>
<tbody>
{rows}</tbody></table></div>
</details>
</section>
)",
              {{"heading", facts(labels::kConfiguration)},
               {"key", facts(labels::kKey)},
               {"value", facts(labels::kValue)},
               {"rows", rows}});
}

}  // namespace sockdiag
