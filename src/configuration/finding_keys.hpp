// SPDX-License-Identifier: Apache-2.0
#pragma once

// The keys of the section `findings`: one for each threshold, and the switches.

#include <vector>

#include "sockdiag/configuration/configuration_keys.hpp"

namespace sockdiag {

// The summaries and names are of static lifetime.
[[nodiscard]] std::vector<ConfigurationKey> finding_keys();

}  // namespace sockdiag
