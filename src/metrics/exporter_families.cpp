// SPDX-License-Identifier: Apache-2.0

// The families of the kernel's own counters, of findings, of how sampling goes, and of the exporter
// itself.

#include "family_text.hpp"
#include "sockdiag/core/version.hpp"

namespace sockdiag {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

// One series for each source that has been attempted.
template <auto Member>
void fill_sources(const SampleStatuses& statuses, MetricFamily& family) {
  for (const SampleStatus& status : statuses) {
    if (status.attempts > 0) add(family, {{"source", status.source}}, status.*Member);
  }
}

void fill_build_info(const ExporterState&, MetricFamily& family) {
  const BuildInfo build = build_info();
  add(family,
      {{"version", build.version}, {"revision", build.revision}, {"compiler", build.compiler}}, 1);
}

constexpr auto kSampleFamilies = std::to_array<FamilyRow<SampleStatuses>>({
    {"sockdiag_sample_success", MetricType::Gauge, "source",
     "1 if the last attempt to sample the source succeeded, else 0. tcp is the dump of all "
     "sockets, listeners the poll of listeners alone, kernel the counters and settings in /proc, "
     "owners whose the sockets of the dump are, namespaces a turn of visits to the host's other "
     "network namespaces.",
     fill_sources<&SampleStatus::success>},
    {"sockdiag_sample_timestamp_seconds", MetricType::Gauge, "source",
     "Unix time of the last good sample of the source.", fill_sources<&SampleStatus::last_success>},
    {"sockdiag_sample_duration_seconds", MetricType::Gauge, "source",
     "Wall time of the last attempt to sample the source.", fill_sources<&SampleStatus::duration>},
    {"sockdiag_sample_cpu_seconds_total", MetricType::Counter, "source",
     "CPU time spent on sampling the source, in the kernel and in user space.",
     fill_sources<&SampleStatus::cpu_time_total>},
    {"sockdiag_sample_interval_seconds", MetricType::Gauge, "source",
     "Sampling interval of the source in force: sampling.interval (for listeners: "
     "listeners.interval), or longer if sampling.cpu_budget requires it. owners follow each dump "
     "of tcp. namespaces: the time to the next turn of visits, by namespaces.cpu_budget.",
     fill_sources<&SampleStatus::interval>},
    {"sockdiag_samples_total", MetricType::Counter, "source",
     "Attempts to sample the source, failed ones included. Divide sockdiag_sample_failures_total "
     "by it for the share that failed.",
     fill_sources<&SampleStatus::attempts>},
    {"sockdiag_sample_failures_total", MetricType::Counter, "source",
     "Attempts to sample the source that failed. A failed attempt of tcp publishes nothing; one of "
     "kernel, listeners or namespaces publishes what could be read; one of owners publishes what "
     "is known, or withdraws the owners where the cgroup tree cannot be read.",
     fill_sources<&SampleStatus::failures>},
});

void fill_findings(const Findings& findings, MetricFamily& family) {
  for (const Finding& each : findings.found) {
    const std::string port = each.port ? port_label(*each.port) : "";
    add(family,
        {{"finding", name_of(each.id)},
         {"severity", name_of(each.severity)},
         {"direction", each.direction ? name_of(*each.direction) : ""},
         {"port", port}},
        1);
    add_owner(family.metric.back(), each.owner);
  }
}

constexpr auto kFindingFamilies = std::to_array<FamilyRow<Findings>>({
    {"sockdiag_findings", MetricType::Gauge, "finding, severity, direction, port, owner labels",
     "1 while the finding holds; absent otherwise. `sockdiag_exporter explain FINDING` says what "
     "it means and what to do. direction and port are empty for findings about the whole host. The "
     "owner labels are those of the owner of most of the sockets, or of the network namespace.",
     fill_findings},
});

template <auto Member>
void fill_process(const ExporterState& state, MetricFamily& family) {
  add(family, {}, state.process.*Member);
}

void fill_requests(const ExporterState& state, MetricFamily& family) {
  for (const auto& [key, count] : state.requests) {
    const auto& [path, code] = key;
    add(family, {{"path", path}, {"code", std::to_string(code)}}, count);
  }
}

void fill_refused(const ExporterState& state, MetricFamily& family) {
  for (const auto& [reason, count] : state.refused) add(family, {{"reason", reason}}, count);
}

constexpr auto kExporterFamilies = std::to_array<FamilyRow<ExporterState>>({
    {"sockdiag_exporter_build_info", MetricType::Gauge, "version, revision, compiler",
     "Version, revision and compiler of the exporter as labels. The value is always 1.",
     fill_build_info},
    {"sockdiag_exporter_config_last_reload_successful", MetricType::Gauge, "",
     "1 if the last attempt to load the configuration succeeded, else 0.",
     [](const ExporterState& s, MetricFamily& f) { add(f, {}, s.reload.successful); }},
    {"sockdiag_exporter_config_last_reload_success_timestamp_seconds", MetricType::Gauge, "",
     "Unix time at which the configuration in force was loaded.",
     [](const ExporterState& s, MetricFamily& f) { add(f, {}, s.reload.last_success); }},
    {"sockdiag_http_requests_total", MetricType::Counter, "path, code",
     "HTTP requests that the exporter has answered. path is the path without its query; other "
     "stands for paths that do not exist and for requests that cannot be parsed.",
     fill_requests},
    {"sockdiag_http_connections_refused_total", MetricType::Counter, "reason",
     "Connections that the exporter has closed instead of answering. reason is client (beyond "
     "web.max_connections_per_client), network (not in web.allow), crowd (too many wait), "
     "descriptors (too few file descriptors are left) or silence (no request in time).",
     fill_refused},
    {"process_cpu_seconds_total", MetricType::Counter, "",
     "Total user and system CPU time spent in seconds.", fill_process<&ProcessStats::cpu_seconds>},
    {"process_open_fds", MetricType::Gauge, "", "Number of open file descriptors.",
     fill_process<&ProcessStats::open_fds>},
    {"process_max_fds", MetricType::Gauge, "", "Maximum number of open file descriptors.",
     fill_process<&ProcessStats::max_fds>},
    {"process_virtual_memory_bytes", MetricType::Gauge, "", "Virtual memory size in bytes.",
     fill_process<&ProcessStats::virtual_memory_bytes>},
    {"process_virtual_memory_max_bytes", MetricType::Gauge, "",
     "Maximum amount of virtual memory available in bytes; absent where there is no limit.",
     fill_process<&ProcessStats::virtual_memory_max_bytes>},
    {"process_resident_memory_bytes", MetricType::Gauge, "", "Resident memory size in bytes.",
     fill_process<&ProcessStats::resident_memory_bytes>},
    {"process_threads", MetricType::Gauge, "", "Number of operating-system threads.",
     fill_process<&ProcessStats::threads>},
    {"process_start_time_seconds", MetricType::Gauge, "",
     "Start time of the process since the Unix epoch in seconds.",
     [](const ExporterState& s, MetricFamily& f) { add(f, {}, s.process_start_time_seconds); }},
});

}  // namespace

std::span<const FamilyRow<SampleStatuses>> sample_families() noexcept { return kSampleFamilies; }
std::span<const FamilyRow<Findings>> finding_families() noexcept { return kFindingFamilies; }
std::span<const FamilyRow<ExporterState>> exporter_families() noexcept { return kExporterFamilies; }

std::vector<std::string_view> family_names() {
  std::vector<std::string_view> names;
  const auto append = [&](const auto& rows) {
    for (const auto& row : rows) names.push_back(row.name);
  };
  append(tcp_families());
  append(listener_families());
  for (const KernelValueRow& row : kernel_value_rows()) names.push_back(row.metric);
  append(namespace_counter_families());
  append(owner_families());
  append(namespace_families());
  append(finding_families());
  append(sample_families());
  append(exporter_families());
  return names;
}

std::string render(const SampleStatuses& statuses, const FamilyPatterns& excluded) {
  return render_table(kSampleFamilies, statuses, excluded);
}
std::string render(const Findings& findings, const FamilyPatterns& excluded) {
  return render_table(kFindingFamilies, findings, excluded);
}
std::string render(const ExporterState& state, const FamilyPatterns& excluded) {
  return render_table(kExporterFamilies, state, excluded);
}

FamilyText render_by_family(const KernelValues& values, const FamilyPatterns& excluded) {
  std::ostringstream text = text_stream();
  FamilyText result;
  const auto rows = kernel_value_rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!match_family(excluded, rows[i].metric)) {
      render_family(text, rows[i].metric, type_of(rows[i]), rows[i].help,
                    [&](MetricFamily& family) { add(family, {}, values.values[i]); });
    }
    result.ends.push_back(static_cast<std::size_t>(text.tellp()));
  }
  result.text = std::move(text).str();
  return result;
}

std::string render(const KernelValues& values, const FamilyPatterns& excluded) {
  return render_by_family(values, excluded).text;
}

}  // namespace sockdiag
