// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/procfs/sysctl.hpp"

#include <sstream>
#include <string>

#include "sockdiag/procfs/proc_file.hpp"

namespace sockdiag {
namespace {

using Path = std::filesystem::path;

std::string without_end(std::string line) {
  line.pop_back();
  return line;
}

// Reads a file of one line.
std::string read_line(const Path& path) { return without_end(read_proc_file(path).content); }

std::optional<PortRange> range_of(int least, int first, int last) {
  if (first < least || last > 65535 || first > last) return std::nullopt;
  return PortRange{static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)};
}

// "32768	60999"
PortRange read_range(const Path& path) {
  std::istringstream line(read_line(path));
  int first = 0;
  int last = 0;
  const bool good = (line >> first >> last) && (line >> std::ws).eof();
  const auto range = good ? range_of(1, first, last) : std::nullopt;
  if (!range) throw_read_error(path, "expected two ports, the lower first");
  return *range;
}

// Parses "8080" or "10000-10010". 0 is a port here.
std::optional<PortRange> parse_entry(const std::string& text) {
  std::istringstream entry(text);
  int first = 0;
  if (!(entry >> first)) return std::nullopt;
  if (entry.eof()) return range_of(0, first, first);
  char dash = 0;
  int last = 0;
  if (!(entry >> dash >> last) || dash != '-' || !entry.eof()) return std::nullopt;
  return range_of(0, first, last);
}

}  // namespace

PortRange read_ephemeral_range(const Path& proc) {
  return read_range(proc / "sys/net/ipv4/ip_local_port_range");
}

// The file has entries with commas between them, or an empty line.
std::vector<PortRange> read_reserved_ports(const Path& proc) {
  const Path path = proc / "sys/net/ipv4/ip_local_reserved_ports";
  std::vector<PortRange> reserved;
  std::istringstream entries(read_line(path));
  entries.exceptions(std::ios_base::badbit);  // rather than a part of them if memory is short
  std::string entry;
  while (std::getline(entries, entry, ',')) {
    const auto range = parse_entry(entry);
    if (!range) throw_read_error(path, "expected ports and ranges of ports, got \"" + entry + "\"");
    reserved.push_back(*range);
  }
  return reserved;
}

std::optional<std::chrono::seconds> read_time_wait_length(const Path& proc) {
  const auto file = read_proc_file_if_exists(proc / "sys/net/ipv4/tcp_tw_timeout");
  if (!file) return std::nullopt;
  std::istringstream line(without_end(file->content));
  int seconds = 0;
  const bool good = (line >> seconds) && (line >> std::ws).eof();
  if (!good || seconds < 1 || seconds > 600)
    throw_read_error(file->path, "expected seconds from 1 to 600");
  return std::chrono::seconds(seconds);
}

}  // namespace sockdiag
