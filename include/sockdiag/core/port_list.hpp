// SPDX-License-Identifier: Apache-2.0
#pragma once

// Ports as an operator lists them: single ports and ranges, in the order of the list. Ports are 1
// to 65535. Not thread-safe.

#include <bitset>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace sockdiag {

using PortSet = std::bitset<65536>;

// A range that includes both ends, as net.ipv4.ip_local_port_range does.
struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;

  [[nodiscard]] bool contains(std::uint16_t port) const noexcept {
    return first <= port && port <= last;
  }
  friend bool operator==(const PortRange&, const PortRange&) noexcept = default;
};

class PortList {
 public:
  PortList() = default;
  PortList(std::initializer_list<std::uint16_t> ports) {
    for (const std::uint16_t port : ports) add({port, port});
  }

  // Requires range.first <= range.last. Ranges may overlap.
  void add(PortRange range) { ranges_.push_back(range); }
  void clear() noexcept { ranges_.clear(); }

  [[nodiscard]] const std::vector<PortRange>& ranges() const noexcept { return ranges_; }

  // Takes time in proportion to the number of ranges, not to their lengths.
  [[nodiscard]] PortSet ports() const;

  friend bool operator==(const PortList&, const PortList&) noexcept = default;

 private:
  std::vector<PortRange> ranges_;
};

}  // namespace sockdiag
