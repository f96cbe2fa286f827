// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "comparison.hpp"
#include "exporter_process.hpp"
#include "json.hpp"

namespace sockdiag::bench {

// What was measured of one exporter under one load.
struct Measurement {
  double sockets = 0;  // in one dump
  Comparison comparison;
  std::vector<double> listener_polls;  // CPU seconds each; empty where the exporter makes none
  ResidentMemory memory;
  double idle_resident_bytes = 0;               // of the same process before the load
  std::optional<std::size_t> followed_sockets;  // where the load is one to tell their size by
};

// Prints a table; the JSON has the same and every round.
[[nodiscard]] JsonObject report(const Measurement& measurement);

void print_memory(const ResidentMemory& memory);
[[nodiscard]] JsonObject memory_json(const ResidentMemory& memory);

}  // namespace sockdiag::bench
