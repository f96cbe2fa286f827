// SPDX-License-Identifier: Apache-2.0

// Whose sockets are: the owners in the exporter's network namespace, and the other namespaces.

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>

#include "figures.hpp"
#include "labels.hpp"
#include "sections.hpp"

namespace sockdiag {
namespace {

constexpr auto kColumns = std::to_array<TcpState>(
    {TcpState::listen, TcpState::established, TcpState::close_wait, TcpState::time_wait});

constexpr std::string_view kUnknown = "–";

struct Row {
  OwnerLabels owner;
  StateCounts sockets{};
  // Where the sockets were not read: how many the kernel says there are at least.
  std::optional<std::uint64_t> at_least{};
  bool were_read = true;

  [[nodiscard]] std::uint64_t all() const {
    return at_least.value_or(std::accumulate(sockets.begin(), sockets.end(), std::uint64_t{0}));
  }
  [[nodiscard]] std::uint32_t of(TcpState state) const { return sockets[index_of(state)]; }
};

// "shop/cart-7d9 · app".
std::string owner_name(const OwnerLabels& owner) {
  std::string name = owner.kubernetes_namespace;
  const auto add = [&](std::string_view separator, const std::string& part) {
    if (!part.empty()) name.append(name.empty() ? "" : separator).append(part);
  };
  add("/", owner.pod.empty() ? owner.pod_uid : owner.pod);
  add(" · ", owner.container);
  add(" · ", owner.unit);
  return name;
}

std::vector<Row> rows_of(const OwnerSnapshot& snapshot) {
  std::vector<Row> rows;
  for (const Owner& owner : snapshot.owners) rows.push_back({owner.labels});
  for (const OwnerCounts& counts : snapshot.counts) {
    StateCounts& sum = rows[counts.owner].sockets;
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += counts.sockets[i];
  }
  return rows;
}

// The kernel counts SYN_RECV nowhere, and other states only together.
std::optional<std::uint64_t> at_least(const NamespaceCounters& counters) {
  if (!counters.open || !counters.time_wait) return std::nullopt;
  return *counters.open + *counters.time_wait;
}

std::vector<Row> rows_of_namespaces(const View& view) {
  std::vector<Row> rows;
  for (const NamespaceSample& sample : view.namespaces->samples) {
    if (const auto totals = view.totals_of(sample)) {
      rows.push_back({*sample.owner, *totals});
    } else if (const NamespaceCounters* counters = view.counters_of(sample)) {
      Row row{.owner = *sample.owner, .were_read = false};
      row.at_least = at_least(*counters);
      rows.push_back(row);
    }
  }
  return rows;
}

std::string all_text(const Row& row) {
  if (row.were_read) return count_text(row.all());
  return row.at_least ? "≥ " + count_text(*row.at_least) : std::string(kUnknown);
}

Html row_html(const Row& row) {
  Html cells;
  for (const TcpState state : kColumns) {
    const bool is_quiet = !row.were_read || row.of(state) == 0;
    cells += fill(R"(<td{zero}>{count}</td>)",
                  {{"zero", Html(is_quiet ? R"( class="zero")" : "")},
                   {"count", row.were_read ? count_text(row.of(state)) : std::string(kUnknown)}});
  }
  return fill(R"(<tr><th scope="row">{owner}</th>{cells}<td>{all}</td></tr>
)",
              {{"owner", owner_name(row.owner)}, {"cells", cells}, {"all", all_text(row)}});
}

Html head_html() {
  Html cells;
  for (const TcpState state : kColumns) {
    cells += fill(R"(<th scope="col">{name}</th>)", {{"name", breakable(text_of(state).name)}});
  }
  return cells;
}

// Those with the most CLOSE_WAIT first, then the busiest.
Html table_html(std::string_view id, const Text& caption, std::vector<Row> rows,
                const PageFacts& facts) {
  std::ranges::stable_sort(rows, std::greater(), [](const Row& row) {
    return std::pair(row.of(TcpState::close_wait), row.all());
  });
  const std::size_t shown = std::min(rows.size(), kMostPorts);
  Html body;
  for (std::size_t i = 0; i < shown; ++i) body += row_html(rows[i]);
  Html rest;
  if (shown < rows.size()) {
    rest = fill(
        R"(<p class="quiet">{label} {count}</p>)",
        {{"label", facts(labels::kOwnersLeftOut)}, {"count", count_text(rows.size() - shown)}});
  }
  return fill(R"(<div class="scroll" tabindex="0" role="region" aria-labelledby="{id}"><table>
<caption id="{id}">{caption}</caption>
<thead><tr><th scope="col">{owner}</th>{head}<th scope="col">{all}</th></tr></thead>
<tbody>
{rows}</tbody></table></div>
{rest})",
              {{"id", id},
               {"caption", facts(caption)},
               {"owner", facts(labels::kOwner)},
               {"head", head_html()},
               {"all", facts(labels::kAll)},
               {"rows", body},
               {"rest", rest}});
}

Html statuses_html(const PageFacts& facts) {
  const NamespacesSnapshot& namespaces = *facts.view.namespaces;
  std::string text;
  for (std::size_t i = 0; i < namespaces.statuses.size(); ++i) {
    if (namespaces.statuses[i] == 0) continue;
    text.append(text.empty() ? "" : " · ").append(facts(labels::kNamespaceStatuses[i]));
    text += " " + count_text(namespaces.statuses[i]);
  }
  return fill(R"(<p class="quiet">{text} · {every} {rotation}</p>
)",
              {{"text", text},
               {"every", facts(labels::kEvery)},
               {"rotation", duration_text(namespaces.rotation, facts.language)}});
}

}  // namespace

Html owners_section(const PageFacts& facts) {
  const View& view = facts.view;
  Html tables;
  if (view.owners != nullptr && !view.owners->owners.empty()) {
    tables += table_html("owners-here", labels::kOwnersHere, rows_of(*view.owners), facts);
  }
  if (view.namespaces != nullptr) {
    tables +=
        table_html("owners-elsewhere", labels::kOwnersElsewhere, rows_of_namespaces(view), facts);
    tables += statuses_html(facts);
  }
  if (tables.empty()) return {};
  return fill(R"(<section id="owners" aria-labelledby="owners-heading">
<h2 id="owners-heading">{heading}</h2>
{tables}</section>
)",
              {{"heading", facts(labels::kOwners)}, {"tables", tables}});
}

}  // namespace sockdiag
