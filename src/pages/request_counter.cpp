// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/pages/request_counter.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace sockdiag {

RequestCounter::RequestCounter(std::vector<std::string> paths) : paths_(std::move(paths)) {
  for (const int code : {200, 500, 503}) counts_[{paths_.front(), code}] = 0;
}

void RequestCounter::count(std::string_view path, int code) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    ++counts_[{label_of(path), code}];
  } catch (const std::exception&) {  // no memory
  }
}

RequestCounts RequestCounter::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

std::string RequestCounter::label_of(std::string_view path) const {
  return std::ranges::find(paths_, path) != paths_.end() ? std::string(path) : "other";
}

void RefusedCounter::count(Refused why) noexcept { ++counts_[static_cast<std::size_t>(why)]; }

RefusedCounts RefusedCounter::counts() const {
  RefusedCounts counts;
  for (std::size_t i = 0; i < counts_.size(); ++i) counts[kRefusedReasons.at(i)] = counts_.at(i);
  return counts;
}

}  // namespace sockdiag
