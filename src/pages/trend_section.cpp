// SPDX-License-Identifier: Apache-2.0

// A small graph for each state that had sockets within the last hour.

#include <algorithm>
#include <array>
#include <cstdio>

#include "figures.hpp"
#include "labels.hpp"
#include "sections.hpp"

namespace sockdiag {
namespace {

// The states whose number says something; LISTEN and CLOSE do not.
constexpr auto kStates =
    std::to_array<TcpState>({TcpState::established, TcpState::time_wait, TcpState::close_wait,
                             TcpState::fin_wait1, TcpState::fin_wait2, TcpState::closing,
                             TcpState::last_ack, TcpState::syn_recv, TcpState::syn_sent});

constexpr double kWidth = 300;
constexpr double kHeight = 60;
constexpr double kMargin = 2;    // room for the line's own width
constexpr double kHeadroom = 6;  // above the most

using Series = std::array<std::optional<std::uint32_t>, Trend::kPoints>;  // the oldest first

Series series_of(const Trend& trend, TcpState state) {
  Series series;
  for (std::size_t back = 0; back < series.size(); ++back) {
    const auto counts = trend.at(back);
    if (counts) series.at(series.size() - 1 - back) = (*counts)[index_of(state)];
  }
  return series;
}

struct Extremes {
  std::uint32_t least = 0;
  std::uint32_t most = 0;
  std::uint32_t last = 0;
};

Extremes extremes_of(const Series& series) {
  Extremes extremes{UINT32_MAX, 0, 0};
  for (const auto& value : series) {
    if (!value) continue;
    extremes = {std::min(extremes.least, *value), std::max(extremes.most, *value), *value};
  }
  extremes.least = std::min(extremes.least, extremes.most);
  return extremes;
}

std::string point_text(char command, std::size_t index, double value, double most) {
  const double x = kMargin + (kWidth - 2 * kMargin) * static_cast<double>(index) /
                                 static_cast<double>(Trend::kPoints - 1);
  const double y = kHeight - kMargin - (kHeight - 2 * kMargin - kHeadroom) * value / most;
  std::array<char, 64> text{};
  const int length = std::snprintf(text.data(), text.size(), "%c%.1f %.1f", command, x, y);
  return {text.data(), static_cast<std::size_t>(length)};
}

// A line for each run of points without a gap. A point alone is a dot: its line ends where it
// begins.
std::string line_of(const Series& series, std::uint32_t most) {
  std::string path;
  bool in_run = false;
  for (std::size_t i = 0; i < series.size(); ++i) {
    const auto value = series.at(i);
    if (value) {
      if (!in_run) path += point_text('M', i, *value, most);
      path += point_text('L', i, *value, most);
    }
    in_run = value.has_value();
  }
  return path;
}

// The same runs, closed along the ground.
std::string area_of(const Series& series, std::uint32_t most) {
  std::string path;
  for (std::size_t i = 0; i < series.size(); ++i) {
    const auto value = series.at(i);
    if (!value) continue;
    if (i == 0 || !series.at(i - 1)) path += point_text('M', i, 0, most);
    path += point_text('L', i, *value, most);
    if (i + 1 == series.size() || !series.at(i + 1)) path += point_text('L', i, 0, most) + "Z";
  }
  return path;
}

Html graph_html(TcpState state, const Series& series, const Extremes& extremes,
                const PageFacts& facts) {
  return fill(
      R"(<figure class="{state}"><figcaption><b>{name}</b> <span class="quiet">{now} <span class="count">{last}</span> · {most_label} {most}</span></figcaption>
<svg viewBox="0 0 300 60" preserveAspectRatio="none" role="img" aria-labelledby="trend-{state} trend-{state}-text"><title id="trend-{state}">{name}: {heading}</title><desc id="trend-{state}-text">{now} {last}, {most_label} {most}, {least_label} {least}</desc>
<path class="area" d="{area}"/><path class="line" d="{line}"/></svg></figure>
)",
      {{"state", name_of(state)},
       {"name", text_of(state).name},
       {"heading", facts(labels::kTrend)},
       {"now", facts(labels::kNow)},
       {"last", count_text(extremes.last)},
       {"most_label", facts(labels::kMost)},
       {"most", count_text(extremes.most)},
       {"least_label", facts(labels::kLeast)},
       {"least", count_text(extremes.least)},
       {"area", area_of(series, extremes.most)},
       {"line", line_of(series, extremes.most)}});
}

Html none_html(const std::string& names, const PageFacts& facts) {
  if (names.empty()) return {};
  return fill(R"(<p class="quiet">{label} {names}</p>)",
              {{"label", facts(labels::kNoneInTrend)}, {"names", names}});
}

}  // namespace

Html trend_section(const PageFacts& facts) {
  if (facts.view.trend == nullptr || !facts.view.trend->at(0)) return {};
  Html graphs;
  std::string none;
  for (const TcpState state : kStates) {
    const Series series = series_of(*facts.view.trend, state);
    const Extremes extremes = extremes_of(series);
    if (extremes.most > 0) {
      graphs += graph_html(state, series, extremes, facts);
    } else {
      none.append(none.empty() ? "" : ", ").append(text_of(state).name);
    }
  }
  return fill(R"(<section id="trend" aria-labelledby="trend-heading">
<h2 id="trend-heading">{heading}</h2>
<div class="graphs">
{graphs}</div>
{none}
<p class="quiet">{note}</p>
</section>
)",
              {{"heading", facts(labels::kTrend)},
               {"graphs", graphs},
               {"none", none_html(none, facts)},
               {"note", facts(labels::kTrendNote)}});
}

}  // namespace sockdiag
