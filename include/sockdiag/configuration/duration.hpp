// SPDX-License-Identifier: Apache-2.0
#pragma once

// Durations as Prometheus writes them, for example 5s, 1m30s, 2h or 100ms. The units are y w d h m
// s ms. Each occurs at most once, the larger before the smaller. Pure functions.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace sockdiag {

// Returns nothing if `text` is no such duration, or is too long for 64 bits of milliseconds.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

[[nodiscard]] std::string format_duration(std::chrono::milliseconds duration);

}  // namespace sockdiag
