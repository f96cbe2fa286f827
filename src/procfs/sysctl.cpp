// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/procfs/sysctl.hpp"

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>

namespace sockdiag {

PortRange read_ephemeral_ports(const std::filesystem::path& proc) {
  const auto path = proc / "sys/net/ipv4/ip_local_port_range";
  errno = 0;
  std::ifstream file(path);
  if (!file) {
    throw std::runtime_error("reading " + path.string() + ": " +
                             std::generic_category().message(errno));
  }
  int first = 0;
  int last = 0;
  if (!(file >> first >> last) || first < 1 || last > 65535 || first > last) {
    throw std::runtime_error("reading " + path.string() + ": expected two ports, the lower first");
  }
  return {static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)};
}

}  // namespace sockdiag
