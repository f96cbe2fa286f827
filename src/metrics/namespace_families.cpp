// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/metrics/namespace_families.hpp"

#include <algorithm>
#include <functional>

#include "family_text.hpp"

namespace sockdiag {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

void fill_kernel_sockets(const NamespaceCounters& counters, MetricFamily& family) {
  add(family, {{"kind", "open"}}, counters.open);
  add(family, {{"kind", "connected"}}, counters.connected);
  add(family, {{"kind", "time_wait"}}, counters.time_wait);
}

void fill_statuses(const NamespacesSnapshot& snapshot, MetricFamily& family) {
  for (std::size_t i = 0; i < kNamespaceStatusNames.size(); ++i) {
    add(family, {{"status", kNamespaceStatusNames[i]}}, snapshot.statuses[i]);
  }
}

constexpr auto kCounterFamilies = std::to_array<FamilyRow<NamespaceCounters>>({
    {"sockdiag_tcp_kernel_sockets", MetricType::Gauge, "kind, owner labels",
     "Sockets of another network namespace by the kernel's own totals: open (TCP inuse and TCP6 "
     "inuse of sockstat), connected (CurrEstab of snmp: ESTABLISHED and CLOSE_WAIT) and time_wait "
     "(tw of sockstat, orphaned FIN_WAIT2 included).",
     fill_kernel_sockets},
});

constexpr auto kNamespaceFamilies = std::to_array<FamilyRow<NamespacesSnapshot>>({
    {"sockdiag_namespaces", MetricType::Gauge, "status",
     "Other network namespaces of the host by how their last visit went. sampled: their sockets "
     "and counters were read. counted: their counters alone. skipped: not visited, there are more "
     "than namespaces.max_namespaces. failed: they could not be read.",
     fill_statuses},
    {"sockdiag_namespaces_rotation_seconds", MetricType::Gauge, "",
     "Time from one visit of a network namespace to the next. It grows with the number of "
     "namespaces and of the host's sockets so that visits stay within namespaces.cpu_budget.",
     [](const NamespacesSnapshot& s, MetricFamily& f) { add(f, {}, s.rotation); }},
});

double value_of(const ClientMetric& metric, MetricType type) {
  return type == MetricType::Counter ? metric.counter.value : metric.gauge.value;
}

// Of the labels of the host; the owner's are the same for all series of a text.
std::uint64_t hash_of(std::size_t row, const ClientMetric& metric) {
  std::uint64_t hash = row;
  for (const auto& label : metric.label) {
    hash = hash * 0x9e3779b97f4a7c15U + std::hash<std::string>()(label.value);
  }
  return hash;
}

bool is_of_other_ports(const ClientMetric& metric) {
  return std::any_of(metric.label.begin(), metric.label.end(), [](const auto& label) {
    return label.name == "port" && label.value == "other";
  });
}

// Leaves the series that have begun, and notes them.
class Sparse {
 public:
  Sparse(const NamespaceText* before, std::vector<std::uint64_t>& shown)
      : before_(before), shown_(shown) {}

  // `begin` has the same series as `family`, with another value than 0 where they begin.
  void leave_begun(std::size_t row, MetricFamily& family, const MetricFamily& begin) {
    std::vector<ClientMetric> left;
    for (std::size_t i = 0; i < family.metric.size(); ++i) {
      ClientMetric& metric = family.metric[i];
      const std::uint64_t hash = hash_of(row, metric);
      const bool counts = family.type == MetricType::Counter && !is_of_other_ports(metric);
      const bool begins = counts || value_of(begin.metric[i], begin.type) != 0 || has_shown(hash);
      if (!begins) continue;
      shown_.push_back(hash);
      left.push_back(std::move(metric));
    }
    family.metric = std::move(left);
  }

 private:
  [[nodiscard]] bool has_shown(std::uint64_t hash) const {
    return before_ != nullptr &&
           std::binary_search(before_->shown.begin(), before_->shown.end(), hash);
  }

  const NamespaceText* before_;
  std::vector<std::uint64_t>& shown_;
};

void append_lines(FamilyText& text, MetricFamily family, const OwnerLabels& owner) {
  for (ClientMetric& metric : family.metric) add_owner(metric, owner);
  if (!family.metric.empty()) {
    std::ostringstream stream = text_stream();
    family.help.clear();
    prometheus::TextSerializer().Serialize(stream, {std::move(family)});
    const std::string lines = std::move(stream).str();
    text.text.append(lines, lines.find('\n') + 1);  // without TYPE
  }
  text.ends.push_back(text.text.size());
}

MetricFamily empty_family(std::string_view name, MetricType type) {
  MetricFamily family;
  family.name = name;
  family.type = type;
  return family;
}

template <typename Source>
NamespaceText render_sparsely(std::span<const FamilyRow<Source>> rows, const OwnerLabels& owner,
                              const Source& value, const NamespaceText* before,
                              const FamilyPatterns& excluded) {
  NamespaceText text;
  Sparse sparse(before, text.shown);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const FamilyRow<Source>& row = rows[i];
    MetricFamily family = empty_family(row.name, row.type);
    if (row.begin != nullptr && !match_family(excluded, row.name)) {
      MetricFamily begin = family;
      row.fill(value, family);
      row.begin(value, begin);
      sparse.leave_begun(i, family, begin);
    }
    append_lines(text.by_family, std::move(family), owner);
  }
  std::sort(text.shown.begin(), text.shown.end());
  return text;
}

struct Head {
  std::string_view name;
  MetricType type;
  std::string_view help;
};

template <typename Source>
std::vector<Head> heads_of(std::span<const FamilyRow<Source>> rows) {
  std::vector<Head> heads;
  for (const auto& row : rows) heads.push_back({row.name, row.type, row.help});
  return heads;
}

std::vector<Head> kernel_heads() {
  std::vector<Head> heads;
  for (const KernelValueRow& row : kernel_value_rows()) {
    heads.push_back({row.metric, type_of(row), row.help});
  }
  for (const auto& row : kCounterFamilies) heads.push_back({row.name, row.type, row.help});
  return heads;
}

const std::vector<Head>& heads(const TcpSnapshot*) {
  static const auto all = heads_of(tcp_families());
  return all;
}
const std::vector<Head>& heads(const ListenerSnapshot*) {
  static const auto all = heads_of(listener_families());
  return all;
}
const std::vector<Head>& heads(const KernelValues*) {
  static const auto all = kernel_heads();
  return all;
}

std::string head_text(const Head& head) {
  MetricFamily family = empty_family(head.name, head.type);
  family.help = head.help;
  std::ostringstream text = text_stream();
  prometheus::TextSerializer().Serialize(text, {std::move(family)});
  return std::move(text).str();
}

std::string_view part_of(const FamilyText& text, std::size_t row) {
  if (row >= text.ends.size()) return {};
  const std::size_t begin = row == 0 ? 0 : text.ends[row - 1];
  return std::string_view(text.text).substr(begin, text.ends[row] - begin);
}

}  // namespace

std::span<const FamilyRow<NamespaceCounters>> namespace_counter_families() noexcept {
  return kCounterFamilies;
}
std::span<const FamilyRow<NamespacesSnapshot>> namespace_families() noexcept {
  return kNamespaceFamilies;
}

std::string render(const NamespacesSnapshot& snapshot, const FamilyPatterns& excluded) {
  return render_table(kNamespaceFamilies, snapshot, excluded);
}

NamespaceText render_of_namespace(const OwnerLabels& owner, const TcpSnapshot& value,
                                  const NamespaceText* before, const FamilyPatterns& excluded) {
  return render_sparsely(tcp_families(), owner, value, before, excluded);
}

NamespaceText render_of_namespace(const OwnerLabels& owner, const ListenerSnapshot& value,
                                  const NamespaceText* before, const FamilyPatterns& excluded) {
  return render_sparsely(listener_families(), owner, value, before, excluded);
}

NamespaceText render_of_namespace(const OwnerLabels& owner, const NamespaceCounters& value,
                                  const NamespaceText*, const FamilyPatterns& excluded) {
  NamespaceText text;
  const auto rows = kernel_value_rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    MetricFamily family = empty_family(rows[i].metric, type_of(rows[i]));
    const bool known = i < value.kernel.values.size() && !match_family(excluded, family.name);
    if (known) add(family, {}, value.kernel.values[i]);
    append_lines(text.by_family, std::move(family), owner);
  }
  for (const auto& row : kCounterFamilies) {
    MetricFamily family = empty_family(row.name, row.type);
    if (!match_family(excluded, row.name)) row.fill(value, family);
    append_lines(text.by_family, std::move(family), owner);
  }
  return text;
}

template <typename Value>
std::string compose(const FamilyText& host,
                    std::span<const std::shared_ptr<const NamespaceText>> others) {
  const std::vector<Head>& all = heads(static_cast<const Value*>(nullptr));
  std::size_t size = host.text.size();
  for (const auto& other : others) size += other->by_family.text.size();
  std::string text;
  constexpr std::size_t kRoomForHeads = 8192;
  text.reserve(size + kRoomForHeads);
  for (std::size_t row = 0; row < all.size(); ++row) {
    const std::string_view own = part_of(host, row);
    text += own;
    bool has_head = !own.empty();
    for (const auto& other : others) {
      const std::string_view lines = part_of(other->by_family, row);
      if (lines.empty()) continue;
      if (!std::exchange(has_head, true)) text += head_text(all[row]);
      text += lines;
    }
  }
  return text;
}

template std::string compose<TcpSnapshot>(const FamilyText&,
                                          std::span<const std::shared_ptr<const NamespaceText>>);
template std::string compose<ListenerSnapshot>(
    const FamilyText&, std::span<const std::shared_ptr<const NamespaceText>>);
template std::string compose<KernelValues>(const FamilyText&,
                                           std::span<const std::shared_ptr<const NamespaceText>>);

}  // namespace sockdiag
