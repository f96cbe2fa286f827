// SPDX-License-Identifier: Apache-2.0
#include "sources.hpp"

#include "sockdiag/sampling/kernel_sources.hpp"

namespace sockdiag {
namespace {

// Polling listeners, and reading counters, may each use this share of the CPU budget; the dump has
// the rest.
constexpr double kSmallShare = 0.1;

std::chrono::nanoseconds sampling_interval(const Policies& policies) {
  return policies.sampling.interval;
}

std::chrono::nanoseconds listeners_interval(const Policies& policies) {
  return policies.listeners.interval;
}

}  // namespace

std::vector<Source> sources_of(const std::shared_ptr<TcpTables>& tables,
                               const std::shared_ptr<KernelFiles>& files) {
  using TimePoint = Source::TimePoint;
  return {
      {"tcp", sampling_interval, std::nullopt,
       [tables](const Policies& policies) {
         return tables->sample(policies.tcp, policies.listeners.peak_window);
       },
       [tables](Samples& samples, TimePoint withdrawn_after) {
         samples.tcp = {tables->sockets(), withdrawn_after};
       }},
      {"listeners", listeners_interval, kSmallShare,
       [tables](const Policies& policies) {
         return tables->poll_listeners(policies.listeners.peak_window);
       },
       [tables](Samples& samples, TimePoint withdrawn_after) {
         samples.listeners = {tables->listeners(), withdrawn_after};
       }},
      {"kernel", sampling_interval, kSmallShare,
       [files](const Policies&) { return files->sample(); },
       [files](Samples& samples, TimePoint withdrawn_after) {
         samples.kernel = {files->values(), withdrawn_after};
       }},
  };
}

std::vector<Source> kernel_sources() {
  const auto files = std::make_shared<KernelFiles>(running_kernel_files());
  return sources_of(std::make_shared<TcpTables>(running_kernel_tables(files)), files);
}

}  // namespace sockdiag
