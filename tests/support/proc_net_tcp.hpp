// SPDX-License-Identifier: Apache-2.0
//
// Two other witnesses of the TCP sockets of this thread's network namespace: the kernel's text
// tables /proc/thread-self/net/tcp and tcp6, and iproute2's `ss`. Neither shares code with the
// exporter. Both show full sockets, mini sockets (TIME_WAIT, FIN_WAIT2 of a closed socket) and
// request sockets (SYN_RECV); neither shows bound sockets that are not connected. Text that does
// not parse throws std::runtime_error with the line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sockdiag::test {

// Numbered as in the kernel (net/tcp_states.h), which /proc prints in hexadecimal.
enum class TcpState : std::uint8_t {
  established = 1,
  syn_sent,
  syn_recv,
  fin_wait1,
  fin_wait2,
  time_wait,
  close,
  close_wait,
  last_ack,
  listen,
  closing
};

struct TcpStateName {
  TcpState state;
  std::string_view name;     // the `state` label
  std::string_view ss_name;  // the first column of ss
};

inline constexpr TcpStateName kTcpStateNames[] = {
    {TcpState::established, "established", "ESTAB"},
    {TcpState::syn_sent, "syn_sent", "SYN-SENT"},
    {TcpState::syn_recv, "syn_recv", "SYN-RECV"},
    {TcpState::fin_wait1, "fin_wait1", "FIN-WAIT-1"},
    {TcpState::fin_wait2, "fin_wait2", "FIN-WAIT-2"},
    {TcpState::time_wait, "time_wait", "TIME-WAIT"},
    {TcpState::close, "close", "UNCONN"},
    {TcpState::close_wait, "close_wait", "CLOSE-WAIT"},
    {TcpState::last_ack, "last_ack", "LAST-ACK"},
    {TcpState::listen, "listen", "LISTEN"},
    {TcpState::closing, "closing", "CLOSING"},
};

[[nodiscard]] std::string name(TcpState state);

struct SocketAddress {
  std::string address;  // as inet_ntop writes it: "127.0.0.1", "::1", "::ffff:127.0.0.1"
  std::uint16_t port = 0;

  bool operator==(const SocketAddress&) const = default;
};

struct SocketRow {
  SocketAddress local;
  SocketAddress remote;
  TcpState state = TcpState::close;
  std::uint64_t receive_queue = 0;  // bytes; of a listener the length of its accept queue
  std::uint64_t send_queue = 0;     // bytes; of a listener its limit in ss, 0 in /proc
  bool v6only = false;              // of listeners, known to ss only
  bool mini = false;                // known to /proc only
  std::uint64_t inode = 0;          // known to /proc only

  bool operator==(const SocketRow&) const = default;
};

[[nodiscard]] std::vector<SocketRow> parse_proc_net_tcp(std::string_view text);
[[nodiscard]] std::vector<SocketRow> parse_ss(std::string_view text);

// Both tables, IPv4 first.
[[nodiscard]] std::vector<SocketRow> read_proc_net_tcp();
// What `ss -tanH` prints.
[[nodiscard]] std::vector<SocketRow> read_ss();

// "close_wait 127.0.0.1:80 127.0.0.1:4711" of every row, sorted: what both witnesses can say.
[[nodiscard]] std::vector<std::string> identities(const std::vector<SocketRow>& rows);

// The kernel's own totals of this namespace; request sockets are in none of them.
struct Sockstat {
  std::uint64_t tcp_in_use = 0;   // full IPv4 sockets
  std::uint64_t tcp6_in_use = 0;  // full IPv6 sockets, IPv4-mapped ones too
  std::uint64_t time_wait = 0;    // mini sockets of both families

  bool operator==(const Sockstat&) const = default;
};

[[nodiscard]] Sockstat read_sockstat();

}  // namespace sockdiag::test
