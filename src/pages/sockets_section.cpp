// SPDX-License-Identifier: Apache-2.0

// How many sockets are in each state: of the host, and port by port.

#include <algorithm>
#include <numeric>

#include "figures.hpp"
#include "labels.hpp"
#include "sections.hpp"

namespace sockdiag {
namespace {

std::uint64_t sum_of(const StateCounts& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

// Sockets of the host that linger in the state.
std::uint64_t lingering_of(TcpState state, const View& view) {
  const std::size_t passing = passing_index_of(state);
  if (passing == kPassingStateCount || !view.tcp->unique_cookies) return 0;
  std::uint64_t lingering = 0;
  for (const PortView& port : view.ports()) lingering += port.counts->stays[passing].lingering;
  return lingering;
}

std::string_view kind_of(TcpState state, std::uint32_t count, const View& view) {
  if (count == 0) return "zero";
  return lingering_of(state, view) > 0 ? "pile" : "some";
}

Html card_html(const StateText& state, std::uint32_t count, const PageFacts& facts) {
  return fill(R"(<li class="{kind}"><a href="#state-{state}"><b>{name}</b></a>
<span class="count">{count}</span> <span class="quiet">{gloss}</span></li>
)",
              {{"kind", kind_of(state.state, count, facts.view)},
               {"state", name_of(state.state)},
               {"name", breakable(state.name)},
               {"count", count_text(count)},
               {"gloss", facts(state.gloss)}});
}

// Whether a state has a column although the direction has no socket in it.
bool is_usual(Direction direction, TcpState state) {
  switch (state) {
    case TcpState::close:
      return false;
    case TcpState::listen:
    case TcpState::syn_recv:
      return direction == Direction::inbound;
    case TcpState::syn_sent:
      return direction == Direction::outbound;
    default:
      return true;
  }
}

using Ports = std::vector<PortView>;
using Columns = std::vector<const StateText*>;

Columns columns_of(Direction direction, const Ports& ports) {
  Columns columns;
  for (const StateText& each : state_texts()) {
    const auto has_some = [&](const PortView& port) {
      return port.counts->sockets[index_of(each.state)] > 0;
    };
    if (is_usual(direction, each.state) || std::ranges::any_of(ports, has_some)) {
      columns.push_back(&each);
    }
  }
  return columns;
}

// The busiest first, "other" last.
Ports busiest_of(const View& view, Direction direction) {
  Ports ports;
  for (const PortView& port : view.ports()) {
    if (port.direction == direction) ports.push_back(port);
  }
  std::ranges::stable_sort(ports, std::greater(), [](const PortView& port) {
    return std::pair(port.counts->port != 0, sum_of(port.counts->sockets));
  });
  return ports;
}

// Removes all but the busiest ports and "other", and returns how many those were.
std::size_t leave_out(Ports& ports) {
  if (ports.size() <= kMostPorts + 1) return 0;
  const std::size_t left_out = ports.size() - kMostPorts - 1;
  ports.erase(ports.end() - 1 - static_cast<std::ptrdiff_t>(left_out), ports.end() - 1);
  return left_out;
}

Html lingering_html(const PortView& port, TcpState state, const PageFacts& facts) {
  const std::size_t passing = passing_index_of(state);
  if (passing == kPassingStateCount || !facts.view.tcp->unique_cookies) return {};
  const std::uint32_t lingering = port.counts->stays[passing].lingering;
  if (lingering == 0) return {};
  const Seconds threshold = facts.view.tcp->lingering_thresholds[passing];
  return fill(R"(<small>{lingering} {label} {threshold}</small>)",
              {{"lingering", count_text(lingering)},
               {"label", facts(labels::kLongerThan)},
               {"threshold", duration_text(threshold, facts.language)}});
}

Html cell_html(const PortView& port, TcpState state, const PageFacts& facts) {
  const std::uint32_t count = port.counts->sockets[index_of(state)];
  if (count == 0) return Html(R"(<td class="zero">0</td>)");
  const Html lingering = lingering_html(port, state, facts);
  return fill(R"(<td{pile}>{count}{lingering}</td>)",
              {{"pile", Html(lingering.empty() ? "" : R"( class="pile")")},
               {"count", count_text(count)},
               {"lingering", lingering}});
}

Html port_html(const PortView& port, const PageFacts& facts) {
  const std::string_view name = facts.view.port_name(port.counts->port);
  if (!name.empty()) {
    return fill("{port}<small>{name}</small>", {{"port", port.counts->port}, {"name", name}});
  }
  if (port.counts->port != 0) return Html(std::to_string(port.counts->port));
  const std::uint32_t folded = facts.view.tcp->of(port.direction).folded_ports;
  return fill(R"({other}<small>{folded} {ports}</small>)", {{"other", facts(labels::kOther)},
                                                            {"folded", count_text(folded)},
                                                            {"ports", facts(labels::kOtherPorts)}});
}

// Whether it is "other", and stands for nothing.
bool is_empty(const PortView& port, const PageFacts& facts) {
  return port.counts->port == 0 && sum_of(port.counts->sockets) == 0 &&
         facts.view.tcp->of(port.direction).folded_ports == 0;
}

Html row_html(const PortView& port, const Columns& columns, const PageFacts& facts) {
  Html cells;
  for (const StateText* column : columns) cells += cell_html(port, column->state, facts);
  return fill(R"(<tr><th scope="row">{port}</th>{cells}<td>{all}</td></tr>
)",
              {{"port", port_html(port, facts)},
               {"cells", cells},
               {"all", count_text(sum_of(port.counts->sockets))}});
}

Html head_html(const Columns& columns) {
  Html cells;
  for (const StateText* column : columns) {
    cells += fill(R"(<th scope="col">{name}</th>)", {{"name", breakable(column->name)}});
  }
  return cells;
}

Html left_out_html(std::size_t left_out, const PageFacts& facts) {
  if (left_out == 0) return {};
  return fill(R"(<p class="quiet">{label} {count}</p>)",
              {{"label", facts(labels::kLeftOut)}, {"count", count_text(left_out)}});
}

Html table_html(Direction direction, const Text& caption, const PageFacts& facts) {
  Ports ports = busiest_of(facts.view, direction);
  const Columns columns = columns_of(direction, ports);
  const std::size_t left_out = leave_out(ports);
  Html rows;
  if (is_empty(ports.back(), facts)) ports.pop_back();
  for (const PortView& port : ports) rows += row_html(port, columns, facts);
  return fill(R"(<div class="scroll" tabindex="0" role="region" aria-labelledby="{id}"><table>
<caption id="{id}">{caption}</caption>
<thead><tr><th scope="col">{port}</th>{head}<th scope="col">{all}</th></tr></thead>
<tbody>
{rows}</tbody></table></div>
{left_out})",
              {{"id", name_of(direction)},
               {"caption", facts(caption)},
               {"port", facts(labels::kPort)},
               {"head", head_html(columns)},
               {"all", facts(labels::kAll)},
               {"rows", rows},
               {"left_out", left_out_html(left_out, facts)}});
}

}  // namespace

Html totals_section(const PageFacts& facts) {
  if (facts.view.tcp == nullptr) return {};
  const StateCounts totals = facts.view.totals();
  Html cards;
  for (const StateText& state : state_texts()) {
    cards += card_html(state, totals[index_of(state.state)], facts);
  }
  return fill(R"(<section id="totals" aria-labelledby="totals-heading">
<h2 id="totals-heading">{heading} <span class="quiet">{all} {sockets}</span></h2>
<ul class="cards">
{cards}</ul>
</section>
)",
              {{"heading", facts(labels::kTotals)},
               {"all", count_text(sum_of(totals))},
               {"sockets", facts(labels::kSocketsInAll)},
               {"cards", cards}});
}

Html ports_section(const PageFacts& facts) {
  if (facts.view.tcp == nullptr) return {};
  return fill(R"(<section id="ports" aria-labelledby="ports-heading">
<h2 id="ports-heading">{heading}</h2>
{inbound}
{outbound}
</section>
)",
              {{"heading", facts(labels::kPorts)},
               {"inbound", table_html(Direction::inbound, labels::kInbound, facts)},
               {"outbound", table_html(Direction::outbound, labels::kOutbound, facts)}});
}

}  // namespace sockdiag
