// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/pages/request_counter.hpp"

#include <algorithm>
#include <exception>

#include "sockdiag/pages/pages.hpp"

namespace sockdiag {

RequestCounter::RequestCounter(std::string telemetry_path)
    : telemetry_path_(std::move(telemetry_path)) {
  for (const int code : {200, 500, 503}) counts_[{telemetry_path_, code}] = 0;
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
  const bool known = path == telemetry_path_ || std::ranges::find(kPages, path) != std::end(kPages);
  return known ? std::string(path) : "other";
}

}  // namespace sockdiag
