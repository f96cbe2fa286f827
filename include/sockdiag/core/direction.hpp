// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which side of a connection this host is. An inbound connection came to a service of this host,
// and its local port names the service. Every other connection is outbound, and its remote port
// names the service. Listeners count as inbound.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sockdiag {

enum class Direction : std::uint8_t { inbound, outbound };

inline constexpr std::array<Direction, 2> kDirections = {Direction::inbound, Direction::outbound};

[[nodiscard]] constexpr std::size_t index_of(Direction direction) noexcept {
  return static_cast<std::size_t>(direction);
}

[[nodiscard]] constexpr std::string_view name_of(Direction direction) noexcept {
  return direction == Direction::inbound ? "inbound" : "outbound";
}

}  // namespace sockdiag
