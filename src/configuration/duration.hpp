// SPDX-License-Identifier: Apache-2.0
#pragma once

// Durations as Prometheus writes them: 5s, 1m30s, 2h, 100ms; units y w d h m s ms, each at most
// once and the larger first. Pure functions.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace sockdiag {

// Nothing where `text` is no such duration or is too long to count.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

[[nodiscard]] std::string format_duration(std::chrono::milliseconds duration);

}  // namespace sockdiag
