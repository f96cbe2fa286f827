// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/core/port_list.hpp"

#include <cstddef>

namespace sockdiag {

PortSet PortList::ports() const {
  PortSet ports;
  if (ranges_.empty()) return ports;
  // For each port, the ranges that begin there less those that end just before.
  std::vector<int> begun(ports.size() + 1);
  for (const auto& [first, last] : ranges_) {
    ++begun[first];
    --begun[last + std::size_t{1}];
  }
  int open = 0;
  for (std::size_t port = 0; port < ports.size(); ++port) {
    open += begun[port];
    ports[port] = open > 0;
  }
  return ports;
}

}  // namespace sockdiag
