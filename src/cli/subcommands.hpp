// SPDX-License-Identifier: Apache-2.0
#pragma once

// The subcommands. They print to std::cout, and what happens meanwhile to std::cerr. All throw
// std::runtime_error if they cannot do what was asked. Not thread-safe.

#include <cstddef>

#include "sockdiag/cli/command_line.hpp"
#include "sockdiag/configuration/configuration.hpp"

namespace sockdiag {

// Returns 0 if there is nothing of severity warning or above, else 1.
[[nodiscard]] int diagnose(const ReportOptions& options, const Configuration& configuration);

[[nodiscard]] int explain(const ReportOptions& options);

// Returns after q or Ctrl-C: 0. Returns 128 and its number after another signal.
[[nodiscard]] int top(const ReportOptions& options, const Configuration& configuration);

}  // namespace sockdiag
