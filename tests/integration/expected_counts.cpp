// SPDX-License-Identifier: Apache-2.0
#include "expected_counts.hpp"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

#include "sockdiag/core/close_wait_cause.hpp"

namespace sockdiag::test {
namespace {

constexpr std::string_view kMapped = "::ffff:";

// The address on the wire: an IPv4-mapped one is the IPv4 address in it.
std::string on_wire(const std::string& address) {
  return address.starts_with(kMapped) ? address.substr(kMapped.size()) : address;
}

bool is_ipv4(const std::string& address) { return on_wire(address).find(':') == std::string::npos; }

bool listens_for(const SocketRow& listener, const SocketAddress& local) {
  if (listener.state != TcpState::listen || listener.local.port != local.port) return false;
  const std::string address = on_wire(listener.local.address);
  if (address == "0.0.0.0") return is_ipv4(local.address);
  if (address == "::") return !(listener.v6only && is_ipv4(local.address));
  return address == on_wire(local.address);
}

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;

  [[nodiscard]] bool contains(std::uint16_t port) const { return first <= port && port <= last; }
};

PortRange ephemeral_ports() {
  std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
  PortRange range;
  if (!(file >> range.first >> range.last)) throw std::runtime_error("no ip_local_port_range");
  return range;
}

// "inbound 8080", "outbound 5432", "outbound other".
std::string direction_and_port(const SocketRow& row, const std::vector<SocketRow>& all) {
  if (is_inbound(row, all)) return "inbound " + std::to_string(row.local.port);
  const std::uint16_t port = row.remote.port;
  const bool is_listened_to = std::any_of(all.begin(), all.end(), [&](const SocketRow& other) {
    return other.state == TcpState::listen && other.local.port == port;
  });
  if (ephemeral_ports().contains(port) && !is_listened_to) return "outbound other";
  return "outbound " + std::to_string(port);
}

Counts without_zeros(Counts counts) {
  std::erase_if(counts, [](const auto& entry) { return entry.second == 0; });
  return counts;
}

Counts expected_bytes(const std::vector<SocketRow>& rows, std::uint64_t SocketRow::*queue) {
  Counts counts;
  for (const SocketRow& row : rows) {
    if (row.state == TcpState::listen) continue;
    counts[direction_and_port(row, rows)] += static_cast<double>(row.*queue);
  }
  return without_zeros(std::move(counts));
}

Counts exported(const Exposition& exposition, const std::string& name,
                const std::vector<std::string>& labels) {
  Counts counts;
  for (const Series& series : exposition.matching(name)) {
    std::string key;
    for (const std::string& label : labels) {
      key += (key.empty() ? "" : " ") + series.labels.at(label);
    }
    counts[key] += series.value;
  }
  return without_zeros(std::move(counts));
}

std::string cause_of(const SocketRow& row) {
  if (row.inode == 0) return "not_accepted";
  if (row.receive_queue == 0) return "not_closed";
  if (row.receive_queue == 1) return "unread_eof";
  const auto& goodbyes = kGoodbyeLengths;
  const bool is_one = std::count(goodbyes.begin(), goodbyes.end(), row.receive_queue) > 0;
  return is_one ? "unread_goodbye" : "unread_data";
}

double number(const Counts& counts, const std::string& key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

}  // namespace

bool is_inbound(const SocketRow& row, const std::vector<SocketRow>& all) {
  if (row.state == TcpState::listen || row.state == TcpState::syn_recv) return true;
  if (std::any_of(all.begin(), all.end(),
                  [&](const SocketRow& other) { return listens_for(other, row.local); })) {
    return true;
  }
  const PortRange ephemeral = ephemeral_ports();
  return !ephemeral.contains(row.local.port) && ephemeral.contains(row.remote.port);
}

Counts expected_sockets(const std::vector<SocketRow>& rows) {
  Counts counts;
  for (const SocketRow& row : rows) {
    counts[direction_and_port(row, rows) + " " + name(row.state)] += 1;
  }
  return counts;
}

Counts expected_family_sockets(const std::vector<SocketRow>& rows) {
  Counts counts;
  for (const SocketRow& row : rows) {
    counts[(is_ipv4(row.local.address) ? "ipv4 " : "ipv6 ") + name(row.state)] += 1;
  }
  return counts;
}

Counts expected_receive_bytes(const std::vector<SocketRow>& rows) {
  return expected_bytes(rows, &SocketRow::receive_queue);
}

Counts expected_send_bytes(const std::vector<SocketRow>& rows) {
  return expected_bytes(rows, &SocketRow::send_queue);
}

Counts expected_close_waits(const std::vector<SocketRow>& rows) {
  Counts counts;
  for (const SocketRow& row : rows) {
    if (row.state != TcpState::close_wait) continue;
    counts[direction_and_port(row, rows) + " " + cause_of(row)] += 1;
  }
  return counts;
}

Counts expected_orphaned_fin_wait2(const std::vector<SocketRow>& rows) {
  Counts counts;
  for (const SocketRow& row : rows) {
    if (row.state != TcpState::fin_wait2 || row.inode != 0) continue;
    counts[direction_and_port(row, rows)] += 1;
  }
  return counts;
}

Counts exported_sockets(const Exposition& exposition) {
  return exported(exposition, "sockdiag_tcp_sockets", {"direction", "port", "state"});
}

Counts exported_family_sockets(const Exposition& exposition) {
  return exported(exposition, "sockdiag_tcp_family_sockets", {"family", "state"});
}

Counts exported_close_waits(const Exposition& exposition) {
  return exported(exposition, "sockdiag_tcp_close_wait_sockets", {"direction", "port", "cause"});
}

Counts exported_orphaned_fin_wait2(const Exposition& exposition) {
  return exported(exposition, "sockdiag_tcp_fin_wait2_orphaned_sockets", {"direction", "port"});
}

Counts exported_receive_bytes(const Exposition& exposition) {
  return exported(exposition, "sockdiag_tcp_receive_queue_bytes", {"direction", "port"});
}

Counts exported_send_bytes(const Exposition& exposition) {
  return exported(exposition, "sockdiag_tcp_send_queue_bytes", {"direction", "port"});
}

std::vector<SocketRow> with_v6only(std::vector<SocketRow> proc, const std::vector<SocketRow>& ss) {
  for (SocketRow& row : proc) {
    row.v6only = std::any_of(ss.begin(), ss.end(), [&](const SocketRow& other) {
      return other.v6only && other.local == row.local && row.state == TcpState::listen;
    });
  }
  return proc;
}

std::string differences(const Counts& left, const Counts& right) {
  std::set<std::string> keys;
  for (const auto& entry : left) keys.insert(entry.first);
  for (const auto& entry : right) keys.insert(entry.first);
  std::ostringstream text;
  for (const std::string& key : keys) {
    if (number(left, key) == number(right, key)) continue;
    text << key << ": " << number(left, key) << " and " << number(right, key) << "\n";
  }
  return text.str();
}

}  // namespace sockdiag::test
