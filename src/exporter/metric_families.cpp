// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/exporter/metric_families.hpp"

#include <prometheus/client_metric.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <initializer_list>
#include <sstream>
#include <utility>

#include "sockdiag/exporter/version.hpp"

namespace sockdiag {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

void add(MetricFamily& family, Labels labels, double value) {
  prometheus::ClientMetric metric;
  metric.label.reserve(labels.size());
  for (const auto& [name, text] : labels) {
    metric.label.push_back({std::string(name), std::string(text)});
  }
  (family.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  family.metric.push_back(std::move(metric));
}

template <typename Number>
void add(MetricFamily& family, Labels labels, const std::optional<Number>& value) {
  if (value) add(family, labels, static_cast<double>(*value));
}

double seconds(std::chrono::duration<double> duration) { return duration.count(); }

double timestamp(std::chrono::system_clock::time_point time) {
  return seconds(time.time_since_epoch());
}

template <typename Visit>
void for_each_port(const DirectionCounts& counts, Visit visit) {
  for (const PortCounts& port : counts.ports) visit(std::to_string(port.port), port);
  visit(std::string("other"), counts.other);
}

template <typename Visit>
void for_each_port(const TcpSnapshot& snapshot, Visit visit) {
  for (const Direction direction : kDirections) {
    for_each_port(snapshot.of(direction), [&](const std::string& name, const PortCounts& counts) {
      visit(name_of(direction), name, counts);
    });
  }
}

void fill_sockets(const TcpSnapshot& snapshot, MetricFamily& family) {
  for_each_port(snapshot, [&](auto direction, const std::string& port, const PortCounts& counts) {
    for (std::size_t state = 0; state < kTcpStateCount; ++state) {
      add(family, {{"direction", direction}, {"port", port}, {"state", kTcpStateNames[state]}},
          counts.sockets[state]);
    }
  });
}

void fill_family_sockets(const TcpSnapshot& snapshot, MetricFamily& family) {
  for (std::size_t i = 0; i < kAddressFamilyNames.size(); ++i) {
    for (std::size_t state = 0; state < kTcpStateCount; ++state) {
      add(family, {{"family", kAddressFamilyNames[i]}, {"state", kTcpStateNames[state]}},
          snapshot.families[i][state]);
    }
  }
}

void fill_folded_ports(const TcpSnapshot& snapshot, MetricFamily& family) {
  for (const Direction direction : kDirections) {
    add(family, {{"direction", name_of(direction)}}, snapshot.of(direction).folded_ports);
  }
}

template <auto Member>
void fill_queue_bytes(const TcpSnapshot& snapshot, MetricFamily& family) {
  for_each_port(snapshot, [&](auto direction, const std::string& port, const PortCounts& counts) {
    add(family, {{"direction", direction}, {"port", port}}, static_cast<double>(counts.*Member));
  });
}

template <auto Member>
void fill_accept_queue(const TcpSnapshot& snapshot, MetricFamily& family) {
  for_each_port(snapshot.of(Direction::inbound),
                [&](const std::string& port, const PortCounts& counts) {
                  add(family, {{"port", port}}, static_cast<double>(counts.accept_queue.*Member));
                });
}

constexpr auto kTcpFamilies = std::to_array<FamilyRow<TcpSnapshot>>({
    {"sockdiag_tcp_sockets", MetricType::Gauge, "direction, port, state",
     "TCP sockets by direction, service port and state; each socket is in exactly one series. "
     "Inbound: the local port has or lately had a listener. Outbound: port is the remote one.",
     fill_sockets},
    {"sockdiag_tcp_family_sockets", MetricType::Gauge, "family, state",
     "The same sockets by address family on the wire (an IPv4-mapped IPv6 socket is ipv4).",
     fill_family_sockets},
    {"sockdiag_tcp_folded_ports", MetricType::Gauge, "direction",
     "Distinct ports whose sockets are counted under port=\"other\".", fill_folded_ports},
    {"sockdiag_tcp_receive_queue_bytes", MetricType::Gauge, "direction, port",
     "Bytes received that the application has not read, listeners left out; an unread end of "
     "stream counts as one, as in ss.",
     fill_queue_bytes<&PortCounts::receive_queue_bytes>},
    {"sockdiag_tcp_send_queue_bytes", MetricType::Gauge, "direction, port",
     "Bytes written that the peer has not acknowledged, listeners left out; a SYN or FIN counts "
     "as one, as in ss.",
     fill_queue_bytes<&PortCounts::send_queue_bytes>},
    {"sockdiag_tcp_accept_queue_sockets", MetricType::Gauge, "port",
     "Connections waiting for accept(), all listeners of the port together.",
     fill_accept_queue<&AcceptQueue::length>},
    {"sockdiag_tcp_accept_queue_limit_sockets", MetricType::Gauge, "port",
     "Backlog limit, all listeners of the port together; a listener's queue holds one more.",
     fill_accept_queue<&AcceptQueue::limit>},
    {"sockdiag_tcp_accept_queue_utilization_ratio", MetricType::Gauge, "port",
     "How full the fullest single listener's accept queue is, its length over its limit plus "
     "one; at 1 the kernel drops new connections.",
     fill_accept_queue<&AcceptQueue::utilization>},
    {"sockdiag_sample_sockets", MetricType::Gauge, "source", "Sockets in the last good sample.",
     [](const TcpSnapshot& s, MetricFamily& f) {
       add(f, {{"source", "tcp"}}, static_cast<double>(s.sockets));
     }},
    {"sockdiag_sample_unknown_state_sockets", MetricType::Gauge, "source",
     "Those of them in a state this exporter does not know; they are in no other series.",
     [](const TcpSnapshot& s, MetricFamily& f) {
       add(f, {{"source", "tcp"}}, static_cast<double>(s.unknown_state_sockets));
     }},
});

void fill_build_info(const ExporterState&, MetricFamily& family) {
  const BuildInfo build = build_info();
  add(family,
      {{"version", build.version}, {"revision", build.revision}, {"compiler", build.compiler}}, 1);
}

constexpr auto kSampleFamilies = std::to_array<FamilyRow<SampleStatus>>({
    {"sockdiag_sample_success", MetricType::Gauge, "source",
     "Whether the last attempt to sample the source succeeded.",
     [](const SampleStatus& s, MetricFamily& f) {
       add(f, {{"source", "tcp"}}, s.success ? 1 : 0);
     }},
    {"sockdiag_sample_timestamp_seconds", MetricType::Gauge, "source",
     "Unix time of the last good sample.",
     [](const SampleStatus& s, MetricFamily& f) {
       if (s.last_success) add(f, {{"source", "tcp"}}, timestamp(*s.last_success));
     }},
    {"sockdiag_sample_duration_seconds", MetricType::Gauge, "source",
     "Wall time of the last attempt.",
     [](const SampleStatus& s, MetricFamily& f) {
       add(f, {{"source", "tcp"}}, seconds(s.duration));
     }},
    {"sockdiag_sample_cpu_seconds_total", MetricType::Counter, "source",
     "CPU time spent on sampling, in the kernel and outside of it.",
     [](const SampleStatus& s, MetricFamily& f) {
       add(f, {{"source", "tcp"}}, seconds(s.cpu_time_total));
     }},
    {"sockdiag_sample_interval_seconds", MetricType::Gauge, "source",
     "Sampling interval in force: sampling.interval, or more where sampling.cpu_budget asks.",
     [](const SampleStatus& s, MetricFamily& f) {
       add(f, {{"source", "tcp"}}, seconds(s.interval));
     }},
    {"sockdiag_sample_failures_total", MetricType::Counter, "source",
     "Attempts that failed; nothing of them was published.",
     [](const SampleStatus& s, MetricFamily& f) {
       add(f, {{"source", "tcp"}}, static_cast<double>(s.failures));
     }},
    {"sockdiag_dump_interrupted_total", MetricType::Counter, "",
     "Failed attempts whose dump the kernel called inconsistent (NLM_F_DUMP_INTR).",
     [](const SampleStatus& s, MetricFamily& f) {
       add(f, {}, static_cast<double>(s.interrupted_dumps));
     }},
});

template <auto Member>
void fill_process(const ExporterState& state, MetricFamily& family) {
  add(family, {}, state.process.*Member);
}

constexpr auto kExporterFamilies = std::to_array<FamilyRow<ExporterState>>({
    {"sockdiag_exporter_build_info", MetricType::Gauge, "version, revision, compiler",
     "Always 1; which build this is.", fill_build_info},
    {"sockdiag_exporter_config_last_reload_successful", MetricType::Gauge, "",
     "Whether the last attempt to load the configuration succeeded.",
     [](const ExporterState& s, MetricFamily& f) { add(f, {}, s.reload.successful ? 1 : 0); }},
    {"sockdiag_exporter_config_last_reload_success_timestamp_seconds", MetricType::Gauge, "",
     "Unix time at which the configuration in force was loaded.",
     [](const ExporterState& s, MetricFamily& f) { add(f, {}, timestamp(s.reload.last_success)); }},
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

// One family at a time: the objects of all series together would outweigh their text by far.
template <typename Source, std::size_t Size>
std::string render_table(const std::array<FamilyRow<Source>, Size>& rows, const Source& source) {
  const prometheus::TextSerializer serializer;
  std::ostringstream text;
  for (const FamilyRow<Source>& row : rows) {
    std::vector<MetricFamily> family(1);
    family[0].name = row.name;
    family[0].help = row.help;
    family[0].type = row.type;
    row.fill(source, family[0]);
    if (!family[0].metric.empty()) serializer.Serialize(text, family);
  }
  return std::move(text).str();
}

}  // namespace

std::span<const FamilyRow<TcpSnapshot>> tcp_families() noexcept { return kTcpFamilies; }
std::span<const FamilyRow<SampleStatus>> sample_families() noexcept { return kSampleFamilies; }
std::span<const FamilyRow<ExporterState>> exporter_families() noexcept { return kExporterFamilies; }

std::string render(const TcpSnapshot& snapshot) { return render_table(kTcpFamilies, snapshot); }
std::string render(const SampleStatus& status) { return render_table(kSampleFamilies, status); }
std::string render(const ExporterState& state) { return render_table(kExporterFamilies, state); }

}  // namespace sockdiag
