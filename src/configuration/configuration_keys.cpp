// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/configuration/configuration_keys.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "finding_keys.hpp"
#include "key_values.hpp"
#include "sockdiag/core/quoted.hpp"
#include "sockdiag/http/listen_address.hpp"
#include "sockdiag/http/network.hpp"

namespace sockdiag {
namespace {

using namespace key_values;
using namespace std::chrono_literals;
using Metrics = Configuration::Metrics;
using Web = Configuration::Web;
using Log = Configuration::Log;

// A key whose change a reload applies.
ConfigurationKey live(std::string_view name, KeyValue value, std::string_view summary) {
  return {std::move(value), name, summary, false};
}

// A key whose change takes a restart.
ConfigurationKey restart(std::string_view name, KeyValue value, std::string_view summary) {
  return {std::move(value), name, summary, true};
}

KeyValue lifetime(TcpState state) {
  const Member<Milliseconds> threshold([index =
                                            passing_index_of(state)](Configuration & c) -> auto& {
    return c.lifetimes.thresholds[index];
  });
  return duration(threshold, 100ms, 24h, "10s");
}

bool is_one_line(const std::string& text) {
  return std::none_of(text.begin(), text.end(),
                      [](char each) { return static_cast<unsigned char>(each) < 0x20; });
}

KeyValue web_config_file() {
  KeyValue value = word(&Web::config_file, "the path of a file", is_one_line);
  value.show = [](const Configuration& c) { return sockdiag::quoted(c.web.config_file); };
  return value;
}

// Allows the unreserved characters of RFC 3986 only, so that the path is what clients send.
bool is_telemetry_path(const std::string& text) {
  static constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
  return text.size() > 1 && text[0] == '/' && !text.starts_with("/-/") &&
         !text.starts_with("/api/") && text != "/page.css" && text != "/page.js" &&
         text.find_first_not_of(kAllowed) == std::string::npos &&
         text.find("//") == std::string::npos && text.find("/.") == std::string::npos;
}

bool is_absolute_path(const std::string& text) {
  return text.starts_with('/') && is_one_line(text);
}

// As long as a Unix socket's address can be (unix(7)).
bool is_socket_path(const std::string& text) {
  constexpr std::size_t kLongest = 107;
  return is_absolute_path(text) && text.size() <= kLongest;
}

bool is_network(const std::string& text) { return parse_network(text).has_value(); }

constexpr char kFamilies[] =
    "a list of names of families, or their beginnings and *, such as process_*";
constexpr char kAddresses[] =
    "a list of addresses such as \":10293\", \"localhost:10293\" or \"[::1]:10293\"";
constexpr char kSocket[] = "the absolute path of a socket, of at most 107 bytes";
constexpr char kFolder[] = "the absolute path of a folder";
constexpr char kNetworks[] =
    "a list of networks such as 10.0.0.0/8 (not 10.0.0.1/8), 192.0.2.1 or 2001:db8::/32";
constexpr char kNetwork[] = "a network such as 10.0.0.0/8, 192.0.2.1 or 2001:db8::/32";
constexpr char kAddress[] = "an address such as :10293, localhost:10293 or [::1]:10293";
constexpr char kPath[] =
    "a path such as /metrics, of letters, digits and -._~/, not under /-/ or /api/";

const auto sampling_keys = std::to_array<ConfigurationKey>({
    live("sampling.interval", duration(&SamplingPolicy::interval, 100ms, 1h, "5s"),
         "Time between two dumps of the socket tables."),
    live("sampling.cpu_budget", number(&SamplingPolicy::cpu_budget, 0.001, 1),
         "Share of one CPU that sampling may take; the interval stretches to keep it."),
    live("sampling.max_staleness", duration(&SamplingPolicy::max_staleness, 1s, 24h, "60s"),
         "Age at which the last good sample is withdrawn; never under three intervals."),
    live("ports.inbound", ports(&PortPolicy::inbound),
         "Local ports that always have series, with or without a listener."),
    live("ports.outbound", ports(&PortPolicy::outbound),
         "Remote ports that always have series, also inside the ephemeral range."),
    live("ports.exclude", ports(&PortPolicy::exclude),
         "Ports that never have series; in both directions counted as `other`."),
    live("ports.names", port_names(&FindingPolicy::port_names),
         "What ports are called in findings, on the page and in sockdiag_tcp_listener_info."),
    live("ports.max_ports", whole_number(&PortPolicy::max_ports, 1, 3000),
         "Ports with series of their own, per direction; the rest are counted as `other`."),
    live("ports.port_retention", duration(&PortPolicy::port_retention, 0s, 24h, "10m"),
         "How long a port keeps its direction and its series after its last use."),
    live("listeners.interval", duration(&ListenerPolicy::interval, 100ms, 1min, "1s"),
         "Time between two polls of the listeners alone; a tenth of the CPU budget at most."),
    live("listeners.peak_window", duration(&ListenerPolicy::peak_window, 1s, 1h, "60s"),
         "Trailing window of the accept queues' peaks; take the scrape interval or more."),
    live("lifetimes.max_sockets", whole_number(&LifetimePolicy::max_sockets, 1000, 10'000'000),
         "Sockets in passing states that are followed at a time, about 35 bytes each."),
    live("lifetimes.syn_sent", lifetime(TcpState::syn_sent),
         "Age at which SYN_SENT lingers: several SYNs have gone unanswered."),
    live("lifetimes.syn_recv", lifetime(TcpState::syn_recv),
         "Age at which SYN_RECV lingers: two SYN-ACKs have gone unanswered."),
    live("lifetimes.fin_wait1", lifetime(TcpState::fin_wait1),
         "Age at which FIN_WAIT1 lingers: the peer has not acknowledged several FINs, or reads "
         "nothing."),
    live("lifetimes.fin_wait2", lifetime(TcpState::fin_wait2),
         "Age at which FIN_WAIT2 lingers: beyond tcp_fin_timeout (60 s) an application holds it."),
    live("lifetimes.closing", lifetime(TcpState::closing),
         "Age at which CLOSING lingers: the peer has not acknowledged several FINs."),
    live("lifetimes.close_wait", lifetime(TcpState::close_wait),
         "Age at which CLOSE_WAIT lingers: longer than an application takes to finish its answer."),
    live("lifetimes.last_ack", lifetime(TcpState::last_ack),
         "Age at which LAST_ACK lingers: the peer has not acknowledged several FINs."),
    live("ephemeral_ports.busiest", whole_number(&DestinationPolicy::busiest, 1, 100),
         "Number of destinations to show: those that use the most ephemeral ports."),
    live("ephemeral_ports.export_addresses", boolean(&DestinationPolicy::export_addresses),
         "Whether to show the busiest destinations by address and port, too."),
    live("owners.enabled", boolean(&OwnerPolicy::enabled),
         "Whether to count sockets by owner: unit, pod and container."),
    live("owners.max_owners", whole_number(&OwnerPolicy::max_owners, 1, 1000),
         "Owners with series of their own; the rest are counted as `other`."),
    live("owners.max_ports", whole_number(&OwnerPolicy::max_ports, 1, 3000),
         "Combinations of owner, direction and port with series of their own."),
    live("namespaces.collect", collect(&NamespacePolicy::collect),
         "What to read of the host's other network namespaces."),
    live("namespaces.cpu_budget", number(&NamespacePolicy::cpu_budget, 0.001, 1),
         "Share of one CPU that visits of other network namespaces may take. More than 0.2 counts "
         "as 0.2."),
    live("namespaces.max_namespaces", whole_number(&NamespacePolicy::max_namespaces, 1, 10'000),
         "Other network namespaces to visit; the rest are skipped."),
    live("namespaces.max_ports", whole_number(&NamespacePolicy::max_ports, 1, 3000),
         "Ports with series of their own, of all other network namespaces together."),
    live("namespaces.opener_socket", word(&NamespacePolicy::opener_socket, kSocket, is_socket_path),
         "Socket of sockdiag_opener, which namespaces.collect: sockets needs."),
    restart("path.procfs", word(&HostPaths::procfs, kFolder, is_absolute_path),
            "The host's /proc, for other network namespaces."),
    restart("path.cgroup", word(&HostPaths::cgroup, kFolder, is_absolute_path),
            "The host's cgroup v2 tree, for owners."),
    restart("path.container_logs", word(&HostPaths::container_logs, kFolder, is_absolute_path),
            "Kubelet's folder of links to logs, for the names of pods."),
});

const auto serving_keys = std::to_array<ConfigurationKey>({
    live("metrics.exclude", words(&Metrics::exclude, kFamilies),
         "Metric families to leave out; nothing else changes."),
    restart("web.listen_addresses",
            words(&Web::listen_addresses, kAddresses, kAddress, is_listen_address),
            "Where to listen; without a host on every address of both families, at a name on each "
            "of its addresses."),
    restart("web.telemetry_path", word(&Web::telemetry_path, kPath, is_telemetry_path),
            "Path of the metrics."),
    restart("web.max_requests", whole_number(&Web::max_requests, 1, 10'000),
            "Most scrapes of one client to answer at a time; further ones get 503."),
    restart("web.enable_lifecycle", boolean(&Web::enable_lifecycle),
            "Whether POST /-/reload reloads the configuration."),
    restart("web.workers", whole_number(&Web::workers, 2, 1024),
            "Threads that answer requests; each kept or slow client holds one."),
    restart("web.request_timeout", duration(&Web::request_timeout, 100ms, 1min, "1s"),
            "Time a client has to send its request, and again to take the answer."),
    restart("web.config_file", web_config_file(),
            "File with TLS, users and headers, in the format of Prometheus' exporters; none if "
            "empty."),
    restart("web.health_without_login", boolean(&Web::health_without_login),
            "Whether /-/healthy answers without the login that the web configuration asks for."),
    restart("web.max_connections_per_client",
            whole_number(&Web::max_connections_per_client, 1, 10'000),
            "Connections of one client, an IPv4 address or an IPv6 /64; one more closes one that "
            "is silent."),
    restart("web.allow", words(&Web::allow, kNetworks, kNetwork, is_network),
            "Networks whose clients may connect; empty for all."),
    live("log.level", log_level(&Log::level), "Least severe level to log."),
    restart("log.format", log_format(&Log::format), "How log lines are written."),
});

std::vector<ConfigurationKey> joined() {
  std::vector<ConfigurationKey> keys(sampling_keys.begin(), sampling_keys.end());
  for (ConfigurationKey& key : finding_keys()) keys.push_back(std::move(key));
  keys.insert(keys.end(), serving_keys.begin(), serving_keys.end());
  return keys;
}

const std::vector<ConfigurationKey> all_keys = joined();

}  // namespace

std::span<const ConfigurationKey> configuration_keys() noexcept { return all_keys; }

const ConfigurationKey* find_configuration_key(std::string_view name) noexcept {
  const auto found = std::find_if(all_keys.begin(), all_keys.end(),
                                  [&](const ConfigurationKey& key) { return key.name == name; });
  return found == all_keys.end() ? nullptr : &*found;
}

}  // namespace sockdiag
