// SPDX-License-Identifier: Apache-2.0
#pragma once

// The local ports that the kernel gives to outgoing connections: net.ipv4.ip_local_port_range less
// net.ipv4.ip_local_reserved_ports, for both address families. If the reserved ports are not known,
// this is the whole range and is_known() is false. An immutable value of 8 KiB.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "sockdiag/core/port_list.hpp"

namespace sockdiag {

class EphemeralPorts {
 public:
  EphemeralPorts() = default;

  using Reserved = std::optional<std::vector<PortRange>>;

  EphemeralPorts(PortRange range, const Reserved& reserved) : is_known_(reserved.has_value()) {
    set(range, true);
    if (!reserved) return;
    for (const PortRange& each : *reserved) set(each, false);
  }

  [[nodiscard]] bool is_known() const noexcept { return is_known_; }
  // Returns whether the kernel may choose the port. Says yes to a reserved one if is_known() is
  // false.
  [[nodiscard]] bool contains(std::uint16_t port) const noexcept { return ports_[port]; }
  [[nodiscard]] std::size_t size() const noexcept { return ports_.count(); }
  [[nodiscard]] const PortSet& ports() const noexcept { return ports_; }

  friend bool operator==(const EphemeralPorts&, const EphemeralPorts&) noexcept = default;

 private:
  // Takes microseconds: visits of network namespaces make one each.
  void set(PortRange range, bool value) {
    if (range.first > range.last) return;
    const std::size_t others = ports_.size() - 1 - (range.last - range.first);
    const PortSet ports = PortSet().set() >> others << range.first;
    value ? ports_ |= ports : ports_ &= ~ports;
  }

  bool is_known_ = false;
  PortSet ports_;
};

}  // namespace sockdiag
