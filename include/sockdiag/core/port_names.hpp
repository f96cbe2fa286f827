// SPDX-License-Identifier: Apache-2.0
#pragma once

// What ports are called: in labels and documents, and by the operator (ports.names of the
// configuration). Plain values.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace sockdiag {

// Returns "8080", or "other" for 0, which stands for all ports without series of their own.
[[nodiscard]] inline std::string port_label(std::uint16_t port) {
  return port == 0 ? "other" : std::to_string(port);
}

using PortNames = std::map<std::uint16_t, std::string>;

// Returns the name of a port; empty if it has none. Valid as long as `names`.
[[nodiscard]] inline std::string_view name_of_port(const PortNames& names,
                                                   std::uint16_t port) noexcept {
  const auto found = names.find(port);
  return found == names.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace sockdiag
