// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

namespace sockdiag::bench {

// Median and spread of at least one value.
struct Summary {
  double median = 0;
  double min = 0;
  double max = 0;
};

[[nodiscard]] Summary summarize(std::vector<double> values);

}  // namespace sockdiag::bench
