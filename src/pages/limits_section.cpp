// SPDX-License-Identifier: Apache-2.0

// What fills up: accept queues, TIME_WAIT, ephemeral ports, orphans and memory, as bars.

#include <algorithm>

#include "figures.hpp"
#include "labels.hpp"
#include "sections.hpp"

namespace sockdiag {
namespace {

constexpr double kHigh = 0.8;  // from here on a bar has the colour of a warning

struct Bar {
  std::string name;
  std::string used;
  std::string limit;
  double share = 0;
  std::string remark{};
};

Html bar_html(const Bar& bar, const PageFacts& facts) {
  const auto width = static_cast<int>(1000 * std::clamp(bar.share, 0.0, 1.0));
  return fill(R"(<li><span class="name">{name}</span>
<svg class="bar {level}" viewBox="0 0 1000 1" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="1000" height="1"/><rect class="used" width="{width}" height="1"/></svg>
<span class="figure"><b>{used}</b> {of} {limit} ({percent}){remark}</span></li>
)",
              {{"name", bar.name},
               {"level", bar.share >= kHigh ? "high" : "low"},
               {"width", width},
               {"used", bar.used},
               {"of", facts(labels::kOf)},
               {"limit", bar.limit},
               {"percent", percent_text(bar.share)},
               {"remark", bar.remark}});
}

Bar bar_of(std::string_view name, std::uint64_t used, std::uint64_t limit) {
  const double share = limit > 0 ? static_cast<double>(used) / static_cast<double>(limit) : 0;
  return {std::string(name), count_text(used), count_text(limit), share};
}

Bar queue_bar(const PortView& port, const PageFacts& facts) {
  const AcceptQueue& queue = port.counts->accept_queue;
  std::string name(facts(labels::kAcceptQueue));
  name.append(" ").append(port.counts->port != 0 ? std::to_string(port.counts->port)
                                                 : std::string(facts(labels::kOther)));
  Bar bar = bar_of(name, queue.length, queue.limit);
  bar.share = queue.utilization;  // of the fullest listener
  if (port.polled != nullptr) {
    bar.remark = std::string(" · ").append(facts(labels::kPeak)) + " " +
                 count_text(port.polled->accept_queue_peak);
    if (const auto drops = port.polled->drops.value_or(0); drops > 0) {
      bar.remark.append(" · ").append(facts(labels::kDropped)) += " " + count_text(drops);
    }
  }
  return bar;
}

bool is_worth_a_bar(const PortView& port) {
  const bool was_used =
      port.polled != nullptr && (port.polled->accept_queue_peak > 0 || port.polled->drops > 0);
  return port.counts->accept_queue.length > 0 || was_used;
}

Html remark_html(const Text& label, std::size_t count, const PageFacts& facts) {
  if (count == 0) return {};
  return fill(R"(<li class="quiet">{label} {count}</li>
)",
              {{"label", facts(label)}, {"count", count_text(count)}});
}

// The fullest first.
Html queues_html(const PageFacts& facts) {
  std::vector<PortView> queues;
  std::size_t empty = 0;
  for (const PortView& port : facts.view.ports()) {
    if (!port.has_accept_queue()) continue;
    if (is_worth_a_bar(port)) {
      queues.push_back(port);
    } else {
      ++empty;
    }
  }
  std::ranges::stable_sort(queues, std::greater(), [](const PortView& port) {
    return port.counts->accept_queue.utilization;
  });
  Html bars;
  const std::size_t shown = std::min(queues.size(), kMostPorts);
  for (std::size_t i = 0; i < shown; ++i) bars += bar_html(queue_bar(queues[i], facts), facts);
  bars += remark_html(labels::kQueuesLeftOut, queues.size() - shown, facts);
  bars += remark_html(labels::kEmptyQueues, empty, facts);
  return bars;
}

// TIME_WAIT and orphaned FIN_WAIT2 share a limit.
Html time_wait_html(const PageFacts& facts) {
  const auto limit = facts.view.kernel_value("sockdiag_tcp_time_wait_limit_sockets");
  if (!limit) return {};
  std::uint64_t used = facts.view.totals()[index_of(TcpState::time_wait)];
  for (const PortView& port : facts.view.ports()) used += port.counts->orphaned_fin_wait2;
  return bar_html(bar_of(text_of(TcpState::time_wait).name, used, *limit), facts);
}

Html ephemeral_html(const PageFacts& facts) {
  const EphemeralPortUse& use = facts.view.tcp->ephemeral;
  if (!use.available) return {};
  Html bars;
  for (std::size_t i = 0; i < std::min({use.ranks, use.busiest.size(), std::size_t{3}}); ++i) {
    const DestinationUse& each = use.busiest[i];
    std::string name = std::string(facts(labels::kEphemeral)) + " " + std::to_string(i + 1);
    if (use.export_addresses) name += " · " + to_text(each.destination);
    bars += bar_html(bar_of(name, each.ephemeral_ports, *use.available), facts);
  }
  if (use.local_ports_used) {
    bars += bar_html(bar_of(facts(labels::kEphemeralLocal), *use.local_ports_used, *use.available),
                     facts);
  }
  return bars;
}

Html kernel_html(const PageFacts& facts) {
  Html bars;
  const View& view = facts.view;
  const auto orphans = view.kernel_value("sockdiag_tcp_orphans");
  const auto most_orphans = view.kernel_value("sockdiag_tcp_orphans_limit");
  if (orphans && most_orphans) {
    bars += bar_html(bar_of(facts(labels::kOrphans), *orphans, *most_orphans), facts);
  }
  const auto memory = view.kernel_value("sockdiag_tcp_memory_bytes");
  const auto most_memory = view.kernel_value("sockdiag_tcp_memory_limit_bytes");
  if (memory && most_memory) {
    Bar bar = bar_of(facts(labels::kMemory), *memory, *most_memory);
    bar.used = bytes_text(static_cast<double>(*memory));
    bar.limit = bytes_text(static_cast<double>(*most_memory));
    bars += bar_html(bar, facts);
  }
  return bars;
}

}  // namespace

Html limits_section(const PageFacts& facts) {
  if (facts.view.tcp == nullptr) return {};
  Html bars = queues_html(facts);
  bars += time_wait_html(facts);
  bars += ephemeral_html(facts);
  bars += kernel_html(facts);
  return fill(R"(<section id="limits" aria-labelledby="limits-heading">
<h2 id="limits-heading">{heading}</h2>
<ul class="bars">
{bars}</ul>
</section>
)",
              {{"heading", facts(labels::kLimits)}, {"bars", bars}});
}

}  // namespace sockdiag
