// SPDX-License-Identifier: Apache-2.0
#pragma once

// From the rows of a table of families to text: what all the tables have in common.

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <ostream>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "sockdiag/core/port_names.hpp"
#include "sockdiag/metrics/metric_families.hpp"
#include "sockdiag/metrics/namespace_families.hpp"

namespace sockdiag {

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// A value as Prometheus has it: times in seconds.
template <typename Number>
requires std::is_arithmetic_v<Number>
double number_of(Number number) { return static_cast<double>(number); }
inline double number_of(std::chrono::duration<double> duration) { return duration.count(); }
inline double number_of(std::chrono::system_clock::time_point time) {
  return number_of(time.time_since_epoch());
}

template <typename Value>
void add(prometheus::MetricFamily& family, Labels labels, const Value& value) {
  prometheus::ClientMetric metric;
  metric.label.reserve(labels.size());
  for (const auto& [name, text] : labels) {
    metric.label.push_back({std::string(name), std::string(text)});
  }
  (family.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) =
      number_of(value);
  family.metric.push_back(std::move(metric));
}

template <typename Number>
void add(prometheus::MetricFamily& family, Labels labels, const std::optional<Number>& value) {
  if (value) add(family, labels, *value);
}

// A stream that throws std::bad_alloc if memory is short. Others leave out the rest of the text,
// and nobody would know.
inline std::ostringstream text_stream() {
  std::ostringstream text;
  text.exceptions(std::ios_base::badbit);
  return text;
}

// One family at a time: the objects of all series together would outweigh their text by far.
template <typename Fill>
void render_family(std::ostream& text, std::string_view name, prometheus::MetricType type,
                   std::string_view help, const Fill& fill) {
  std::vector<prometheus::MetricFamily> family(1);
  family[0].name = name;
  family[0].help = help;
  family[0].type = type;
  fill(family[0]);
  if (!family[0].metric.empty()) prometheus::TextSerializer().Serialize(text, family);
}

template <typename Source>
FamilyText render_table_by_family(std::span<const FamilyRow<Source>> rows, const Source& source,
                                  const FamilyPatterns& excluded) {
  std::ostringstream text = text_stream();
  FamilyText result;
  for (const FamilyRow<Source>& row : rows) {
    if (!match_family(excluded, row.name)) {
      render_family(text, row.name, row.type, row.help,
                    [&](prometheus::MetricFamily& family) { row.fill(source, family); });
    }
    result.ends.push_back(static_cast<std::size_t>(text.tellp()));
  }
  result.text = std::move(text).str();
  return result;
}

template <typename Source, std::size_t Size>
std::string render_table(const std::array<FamilyRow<Source>, Size>& rows, const Source& source,
                         const FamilyPatterns& excluded) {
  return render_table_by_family(std::span<const FamilyRow<Source>>(rows), source, excluded).text;
}

// Appends an owner's labels to those of a series; those that are empty are left out.
inline void add_owner(prometheus::ClientMetric& metric, const OwnerLabels& owner) {
  const auto values = values_of(owner);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].empty()) continue;
    metric.label.push_back({std::string(kOwnerLabelNames[i]), std::string(values[i])});
  }
}

inline prometheus::MetricType type_of(const KernelValueRow& row) {
  return row.type == ValueType::counter ? prometheus::MetricType::Counter
                                        : prometheus::MetricType::Gauge;
}

}  // namespace sockdiag
