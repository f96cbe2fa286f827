// SPDX-License-Identifier: Apache-2.0
#include "statistics.hpp"

#include <algorithm>
#include <cstddef>
#include <stdexcept>

namespace sockdiag::bench {

Summary summarize(std::vector<double> values) {
  if (values.empty()) throw std::logic_error("nothing was measured");
  std::sort(values.begin(), values.end());
  const std::size_t upper = values.size() / 2;
  const std::size_t lower = (values.size() - 1) / 2;
  return {(values[lower] + values[upper]) / 2, values.front(), values.back()};
}

}  // namespace sockdiag::bench
