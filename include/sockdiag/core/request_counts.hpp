// SPDX-License-Identifier: Apache-2.0
#pragma once

// How many requests have been answered. A plain value.

#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace sockdiag {

using RequestCounts = std::map<std::pair<std::string, int>, std::uint64_t>;  // by path and code

}  // namespace sockdiag
