// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/procfs/sysctl.hpp"

#include <cerrno>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace sockdiag {
namespace {

using Path = std::filesystem::path;

[[noreturn]] void refuse(const Path& path, const std::string& why) {
  throw std::runtime_error("reading " + path.string() + ": " + why);
}

// The file's text up to the end of its line.
std::string read_line(const Path& path) {
  errno = 0;
  std::ifstream file(path);
  if (!file) refuse(path, std::generic_category().message(errno));
  std::string line;
  std::getline(file, line);
  if (file.bad()) refuse(path, std::generic_category().message(errno));
  return line;
}

// Two ports from 1 to 65535, the lower first, with `separator` between them.
std::optional<PortRange> parse_range(const std::string& text, char separator) {
  std::istringstream stream(text);
  int first = 0;
  int last = 0;
  char between = separator;
  if (!(stream >> first)) return std::nullopt;
  if (separator != ' ' && !(stream >> between)) return std::nullopt;
  if (!(stream >> last) || between != separator || !(stream >> std::ws).eof()) return std::nullopt;
  if (first < 1 || last > 65535 || first > last) return std::nullopt;
  return PortRange{static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)};
}

PortRange read_range(const Path& path) {
  const auto range = parse_range(read_line(path), ' ');
  if (!range) refuse(path, "expected two ports, the lower first");
  return *range;
}

// "8080,9148,10000-10010", or an empty line.
std::vector<PortRange> read_reserved(const Path& path) {
  std::vector<PortRange> reserved;
  std::istringstream entries(read_line(path));
  std::string entry;
  while (std::getline(entries, entry, ',')) {
    const bool is_range = entry.find('-') != std::string::npos;
    const auto range = parse_range(is_range ? entry : entry + '-' + entry, '-');
    if (!range) refuse(path, "expected ports and ranges of ports, got \"" + entry + "\"");
    reserved.push_back(*range);
  }
  return reserved;
}

}  // namespace

EphemeralPorts read_ephemeral_ports(const Path& proc) {
  const Path directory = proc / "sys/net/ipv4";
  return EphemeralPorts(read_range(directory / "ip_local_port_range"),
                        read_reserved(directory / "ip_local_reserved_ports"));
}

}  // namespace sockdiag
