// SPDX-License-Identifier: Apache-2.0
#pragma once

// Every metric family, in tables by where its values come from: exposition, documentation and tests
// read them. Families are values built anew from what they show: a port that is gone leaves no
// series behind. Pure functions, safe from any thread.

#include <prometheus/metric_family.h>
#include <prometheus/metric_type.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sockdiag/core/exporter_state.hpp"
#include "sockdiag/core/family_patterns.hpp"
#include "sockdiag/core/finding.hpp"
#include "sockdiag/core/port_names.hpp"
#include "sockdiag/core/samples.hpp"

namespace sockdiag {

template <typename Source>
struct FamilyRow {
  using Fill = void (*)(const Source&, prometheus::MetricFamily&);

  std::string_view name;
  prometheus::MetricType type;
  std::string_view labels;  // in the order of the series, comma and space between them
  std::string_view help;
  Fill fill;
  // Null if other network namespaces have no such series. Else it fills in the same series as
  // `fill`, and those that have another value than 0 here begin (see namespace_families.hpp).
  Fill begin = nullptr;
};

// Whose the sockets of the exporter's network namespace are.
struct OwnedSockets {
  const OwnerSnapshot* owners = nullptr;  // null where they are not known
  const TcpSnapshot* tcp = nullptr;
  const PortNames* names = nullptr;
};

// The kernel's counters and limits have a table of their own: kernel_value_rows().
[[nodiscard]] std::span<const FamilyRow<TcpSnapshot>> tcp_families() noexcept;
[[nodiscard]] std::span<const FamilyRow<ListenerSnapshot>> listener_families() noexcept;
[[nodiscard]] std::span<const FamilyRow<NamespaceCounters>> namespace_counter_families() noexcept;
[[nodiscard]] std::span<const FamilyRow<OwnedSockets>> owner_families() noexcept;
[[nodiscard]] std::span<const FamilyRow<NamespacesSnapshot>> namespace_families() noexcept;
[[nodiscard]] std::span<const FamilyRow<SampleStatuses>> sample_families() noexcept;
[[nodiscard]] std::span<const FamilyRow<Findings>> finding_families() noexcept;
[[nodiscard]] std::span<const FamilyRow<ExporterState>> exporter_families() noexcept;

// The names of all of them, in the order of the exposition.
[[nodiscard]] std::vector<std::string_view> family_names();

// The text format 0.0.4 of all families of one table; a family without series is left out, and so
// is one that `excluded` matches, at no cost.
[[nodiscard]] std::string render(const TcpSnapshot& snapshot, const FamilyPatterns& excluded = {});
[[nodiscard]] std::string render(const ListenerSnapshot& snapshot,
                                 const FamilyPatterns& excluded = {});
[[nodiscard]] std::string render(const KernelValues& values, const FamilyPatterns& excluded = {});
[[nodiscard]] std::string render(const OwnedSockets& sockets, const FamilyPatterns& excluded = {});
[[nodiscard]] std::string render(const NamespacesSnapshot& snapshot,
                                 const FamilyPatterns& excluded = {});
[[nodiscard]] std::string render(const SampleStatuses& statuses,
                                 const FamilyPatterns& excluded = {});
[[nodiscard]] std::string render(const Findings& findings, const FamilyPatterns& excluded = {});
[[nodiscard]] std::string render(const ExporterState& state, const FamilyPatterns& excluded = {});

}  // namespace sockdiag
