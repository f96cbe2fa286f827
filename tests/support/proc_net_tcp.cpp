// SPDX-License-Identifier: Apache-2.0
#include "support/proc_net_tcp.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "support/subprocess.hpp"

namespace sockdiag::test {
namespace {

constexpr int kTimeWaitTimer = 3;  // the timer of mini sockets

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw std::runtime_error("cannot read " + path);
  return text.str();
}

std::uint64_t from_hex(const std::string& digits) {
  std::size_t used = 0;
  const std::uint64_t value = std::stoull(digits, &used, 16);
  if (used != digits.size()) throw std::runtime_error("not hexadecimal: " + digits);
  return value;
}

std::string to_text(int family, const void* bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return ::inet_ntop(family, bytes, text.data(), text.size());
}

// "FIRST:SECOND", split at the last colon.
std::pair<std::string, std::string> split(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) throw std::runtime_error("no colon in " + text);
  return {text.substr(0, colon), text.substr(colon + 1)};
}

// An address is one or four 32-bit words in network byte order, each printed as a number of this
// machine ("0100007F:1F90" is 127.0.0.1:8080 on little-endian ones); the port is a plain number.
SocketAddress parse_hex_address(const std::string& text) {
  const auto [address, port] = split(text);
  std::array<std::uint32_t, 4> words{};
  const std::size_t count = address.size() / 8;
  if (count != 1 && count != 4) throw std::runtime_error("not an address: " + text);
  for (std::size_t index = 0; index < count; ++index) {
    words[index] = static_cast<std::uint32_t>(from_hex(address.substr(index * 8, 8)));
  }
  return {to_text(count == 1 ? AF_INET : AF_INET6, words.data()),
          static_cast<std::uint16_t>(from_hex(port))};
}

TcpState to_state(std::uint64_t number) {
  for (const TcpStateName& row : kTcpStateNames) {
    if (static_cast<std::uint64_t>(row.state) == number) return row.state;
  }
  throw std::runtime_error("unknown TCP state " + std::to_string(number));
}

// "sl local remote st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode ...".
SocketRow parse_proc_line(const std::string& line) {
  std::istringstream stream(line);
  std::string slot, local, remote, state, queues, timer, retransmits, uid, timeout;
  SocketRow row;
  if (!(stream >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid >>
        timeout >> row.inode)) {
    throw std::runtime_error("not a line of /proc/net/tcp: " + line);
  }
  row.local = parse_hex_address(local);
  row.remote = parse_hex_address(remote);
  row.state = to_state(from_hex(state));
  row.send_queue = from_hex(split(queues).first);
  row.receive_queue = from_hex(split(queues).second);
  row.mini = from_hex(split(timer).first) == kTimeWaitTimer;
  return row;
}

TcpState to_ss_state(const std::string& word) {
  for (const TcpStateName& row : kTcpStateNames) {
    if (row.ss_name == word) return row.state;
  }
  throw std::runtime_error("unknown state of ss: " + word);
}

// ss writes 0.0.0.0, [::] for the IPv6 wildcard alone and * for the one that takes IPv4 as well.
SocketAddress parse_ss_address(const std::string& text) {
  auto [address, port] = split(text);
  if (address == "*") address = "::";
  if (address.starts_with('[')) address = address.substr(1, address.size() - 2);
  return {address, static_cast<std::uint16_t>(port == "*" ? 0 : std::stoul(port))};
}

SocketRow parse_ss_line(const std::string& line) {
  std::istringstream stream(line);
  std::string state, local, remote;
  SocketRow row;
  if (!(stream >> state >> row.receive_queue >> row.send_queue >> local >> remote)) {
    throw std::runtime_error("not a line of ss: " + line);
  }
  row.state = to_ss_state(state);
  row.local = parse_ss_address(local);
  row.remote = parse_ss_address(remote);
  row.v6only = row.state == TcpState::listen && local.starts_with("[::]:");
  return row;
}

std::string to_string(const SocketAddress& address) {
  return address.address + ":" + std::to_string(address.port);
}

// The number after `name` on the line that begins with `heading`.
std::uint64_t find_number(const std::string& text, const std::string& heading,
                          const std::string& name) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(heading)) continue;
    std::istringstream words(line.substr(heading.size()));
    std::uint64_t number = 0;
    for (std::string word; words >> word >> number;) {
      if (word == name) return number;
    }
  }
  throw std::runtime_error("no " + heading + " " + name + " in sockstat");
}

}  // namespace

std::string name(TcpState state) {
  for (const TcpStateName& row : kTcpStateNames) {
    if (row.state == state) return std::string(row.name);
  }
  throw std::runtime_error("a TCP state without a name");
}

std::vector<SocketRow> parse_proc_net_tcp(std::string_view text) {
  std::istringstream lines{std::string(text)};
  std::vector<SocketRow> rows;
  std::string line;
  std::getline(lines, line);  // the heading
  while (std::getline(lines, line)) rows.push_back(parse_proc_line(line));
  return rows;
}

std::vector<SocketRow> parse_ss(std::string_view text) {
  std::istringstream lines{std::string(text)};
  std::vector<SocketRow> rows;
  for (std::string line; std::getline(lines, line);) rows.push_back(parse_ss_line(line));
  return rows;
}

std::vector<SocketRow> read_proc_net_tcp() {
  std::vector<SocketRow> rows = parse_proc_net_tcp(read_file("/proc/thread-self/net/tcp"));
  const std::vector<SocketRow> ipv6 = parse_proc_net_tcp(read_file("/proc/thread-self/net/tcp6"));
  rows.insert(rows.end(), ipv6.begin(), ipv6.end());
  return rows;
}

std::vector<SocketRow> read_ss() {
  const Finished finished = run({.arguments = {"ss", "-tanH"}});
  if (finished.exit_status != 0) throw std::runtime_error("ss failed: " + finished.errors);
  return parse_ss(finished.output);
}

std::vector<std::string> identities(const std::vector<SocketRow>& rows) {
  std::vector<std::string> lines;
  for (const SocketRow& row : rows) {
    lines.push_back(name(row.state) + " " + to_string(row.local) + " " + to_string(row.remote));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

Sockstat read_sockstat() {
  const std::string ipv4 = read_file("/proc/thread-self/net/sockstat");
  const std::string ipv6 = read_file("/proc/thread-self/net/sockstat6");
  return {.tcp_in_use = find_number(ipv4, "TCP:", "inuse"),
          .tcp6_in_use = find_number(ipv6, "TCP6:", "inuse"),
          .time_wait = find_number(ipv4, "TCP:", "tw")};
}

}  // namespace sockdiag::test
