// SPDX-License-Identifier: Apache-2.0
#pragma once

// The picture that `top` draws. Pure function.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "documents.hpp"
#include "terminal.hpp"

namespace sockdiag {

// Returns at most `rows` lines, none wider than the style's columns: the heading, the worst
// findings, and the ports with their states, sorted by what matters. States that have no sockets
// have no column; if there is no room for a column or a port, the last line says so.
[[nodiscard]] std::vector<std::string> live_table(std::string_view heading,
                                                  const FindingsDocument& findings,
                                                  const SamplesDocument& samples,
                                                  const Style& style, std::size_t rows);

}  // namespace sockdiag
