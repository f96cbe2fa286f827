// SPDX-License-Identifier: Apache-2.0
#include "descriptor_growth.hpp"

#include <algorithm>
#include <cstddef>

namespace sockdiag {
namespace {

constexpr std::size_t kMostCounts = 128;

}  // namespace

void DescriptorGrowth::add(TimePoint time, std::uint64_t descriptors) {
  counts_.push_back({time, descriptors});
  if (counts_.size() <= kMostCounts) return;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < counts_.size(); i += 2) counts_[kept++] = counts_[i];
  counts_.resize(kept);
}

std::optional<double> DescriptorGrowth::per_second() const {
  if (counts_.size() < 2) return std::nullopt;
  const auto middle = counts_.begin() + static_cast<std::ptrdiff_t>(counts_.size() / 2);
  const auto fewer = [](const Count& a, const Count& b) { return a.descriptors < b.descriptors; };
  const auto most = std::max_element(counts_.begin(), middle, fewer);
  const auto least = std::min_element(middle, counts_.end(), fewer);
  const Count& first = counts_.front();
  const Count& last = counts_.back();
  const std::chrono::duration<double> time = last.time - first.time;
  if (least->descriptors <= most->descriptors || time.count() <= 0) return std::nullopt;
  if (last.descriptors < first.descriptors + kLeastGrowth) return std::nullopt;
  return static_cast<double>(last.descriptors - first.descriptors) / time.count();
}

}  // namespace sockdiag
