// SPDX-License-Identifier: Apache-2.0
#pragma once

// Who holds the sockets of a finding, as the member "held_by" of the document of findings tells it
// (deploy/api). Pure functions.

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "sockdiag/diagnosis/text.hpp"

namespace sockdiag {

struct HoldingProcess {
  std::int32_t pid = 0;
  std::string name;  // any bytes
  std::size_t sockets = 0;
  std::optional<std::uint64_t> descriptors;
  std::optional<std::uint64_t> limit;
  std::optional<double> seconds_to_limit;
};

struct HeldBy {
  bool listening = false;  // the sockets are listeners
  bool by_root = true;     // false: nobody has looked, since that takes root
  bool cut = false;        // as in HolderSearch
  bool refused = false;
  std::vector<HoldingProcess> processes;
};

// Returns how long it takes until the limit at that growth; nothing without growth.
[[nodiscard]] std::optional<double> seconds_to_limit(std::optional<std::uint64_t> descriptors,
                                                     std::optional<std::uint64_t> limit,
                                                     std::optional<double> growth_per_second);

// Returns the member, with those that hold most first and the ones beyond ten as a number.
[[nodiscard]] nlohmann::ordered_json held_by_json(HeldBy held_by, Language language);

}  // namespace sockdiag
