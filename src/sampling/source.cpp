// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/sampling/source.hpp"

#include "kernel_files.hpp"
#include "namespaces.hpp"
#include "owner_source.hpp"
#include "sockdiag/netlink/kernel_channel.hpp"
#include "sockdiag/owners/opener_client.hpp"
#include "sockdiag/procfs/kernel_value_reader.hpp"
#include "sockdiag/procfs/sysctl.hpp"
#include "tcp_tables.hpp"

namespace sockdiag {
namespace {

// Polling listeners, and reading counters, may each use this share of the CPU budget; the dump has
// the rest.
constexpr double kSmallShare = 0.1;

// One datagram may cost a walk of the whole hash, 0.3 s at a million sockets.
constexpr std::chrono::seconds kReceiveDeadline(5);

std::chrono::nanoseconds sampling_interval(const Policies& policies) {
  return policies.sampling.interval;
}

std::chrono::nanoseconds listeners_interval(const Policies& policies) {
  return policies.listeners.interval;
}

Namespaces::Open open_by_opener() {
  return [opener = std::make_shared<OpenerClient>()](const std::string& path,
                                                     const NamespaceEntry& entry) {
    FileDescriptor socket = opener->open(path, entry.pid, entry.inode);
    const auto cookie = network_namespace_cookie(socket);
    return OpenedNamespace{adopt_kernel_channel(std::move(socket), kReceiveDeadline), cookie};
  };
}

// Names pods and containers as they are known at each search.
Namespaces::Host host_of(const HostPaths& paths, std::shared_ptr<TallyScratch> scratch) {
  const auto names = std::make_shared<OwnerNames>(paths);
  return {
      .procfs = paths.procfs,
      .refresh_owners = [names] { names->refresh(); },
      .owner_of_cgroup = [names](const std::string& path) { return names->owner_of_path(path); },
      .open = open_by_opener(),
      .scratch = std::move(scratch)};
}

Source owners_of(const std::shared_ptr<TcpTables>& tables,
                 const std::shared_ptr<OwnerSource>& owners) {
  return {.name = "owners",
          .interval = sampling_interval,
          .follows = "tcp",
          .share_of_budget = std::nullopt,
          .sample =
              [=](const Policies& policies) { return owners->sample(tables->sockets(), policies); },
          .show =
              [owners](Samples& samples, Source::TimePoint withdrawn_after) {
                samples.owners = {owners->owners(), withdrawn_after};
              },
          .is_wanted = [](const Policies& policies) { return policies.owners.enabled; }};
}

Source namespaces_of(const HostPaths& paths, const std::shared_ptr<TallyScratch>& scratch) {
  const auto namespaces = std::make_shared<Namespaces>(host_of(paths, scratch));
  return {.name = "namespaces",
          .interval = [=](const Policies& policies) { return namespaces->interval(policies); },
          .sample = [=](const Policies& policies) { return namespaces->take_turn(policies); },
          .show =
              [=](Samples& samples, Source::TimePoint withdrawn_after) {
                samples.namespaces = {namespaces->snapshot(), withdrawn_after};
              },
          .own_budget = [](const Policies& policies) { return policies.namespaces.cpu_budget; },
          .is_wanted =
              [](const Policies& policies) {
                return policies.namespaces.collect != NamespaceCollect::none;
              },
          .forget = [=] { *namespaces = Namespaces(host_of(paths, scratch)); }};
}

}  // namespace

std::vector<Source> sources_of(const std::shared_ptr<TcpTables>& tables,
                               const std::shared_ptr<KernelFiles>& files) {
  using TimePoint = Source::TimePoint;
  return {
      {"tcp",
       sampling_interval,
       {},
       std::nullopt,
       [tables](const Policies& policies) {
         return tables->sample(policies.tcp, policies.listeners.peak_window);
       },
       [tables](Samples& samples, TimePoint withdrawn_after) {
         samples.tcp = {tables->sockets(), withdrawn_after};
       }},
      {"listeners",
       listeners_interval,
       {},
       kSmallShare,
       [tables](const Policies& policies) {
         return tables->poll_listeners(policies.listeners.peak_window);
       },
       [tables](Samples& samples, TimePoint withdrawn_after) {
         samples.listeners = {tables->listeners(), withdrawn_after};
       }},
      {"kernel",
       sampling_interval,
       {},
       kSmallShare,
       [files](const Policies&) { return files->sample(); },
       [files](Samples& samples, TimePoint withdrawn_after) {
         samples.kernel = {files->values(), withdrawn_after};
       }},
  };
}

std::vector<Source> kernel_sources(const HostPaths& paths) {
  const auto files = std::make_shared<KernelFiles>(
      KernelFiles::Readers{.ephemeral_range = [] { return read_ephemeral_range(); },
                           .reserved_ports = [] { return read_reserved_ports(); },
                           .total_sockets = [] { return read_sockstat_sockets(); },
                           .time_wait_length = [] { return read_time_wait_length(); },
                           .values = [] { return read_kernel_values(); }});
  const auto scratch = std::make_shared<TallyScratch>();  // of all that is sampled on this thread
  const auto tables = std::make_shared<TcpTables>(
      TcpTables::Kernel{.open_channel = [] { return open_kernel_channel(kReceiveDeadline); },
                        .listen_drops = [] { return read_listen_drops(); },
                        .release = read_kernel_release()},
      files, scratch);
  std::vector<Source> sources = sources_of(tables, files);
  const auto owners = std::make_shared<OwnerSource>(OwnerNames(paths));
  sources.insert(sources.begin() + 1, owners_of(tables, owners));
  sources.push_back(namespaces_of(paths, scratch));
  return sources;
}

}  // namespace sockdiag
