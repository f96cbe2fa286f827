// SPDX-License-Identifier: Apache-2.0
#include "finding_keys.hpp"

#include <array>

#include "key_values.hpp"
#include "sockdiag/core/finding.hpp"

namespace sockdiag {
namespace {

using P = FindingPolicy;

struct Range {
  double least;
  double most;
};
constexpr Range kSockets = {1, 1'000'000};
constexpr Range kTimes = {1, 100};
constexpr Range kSeconds = {0, 3600};
constexpr Range kPerSecond = {0.001, 1'000'000};
constexpr Range kShare = {0.001, 1};
constexpr Range kBytes = {1, 1'099'511'627'776};  // 1 TiB

// The summary begins with the findings that look at the threshold.
struct Threshold {
  std::string_view name;
  double FindingPolicy::*member;
  Range range;
  std::string_view summary;
};

constexpr auto kThresholds = std::to_array<Threshold>({
    {"findings.close_wait_inbound", &P::close_wait_inbound, kSockets,
     "cw_in_*: inbound CLOSE_WAIT of one cause on a port, if that many linger."},
    {"findings.close_wait_outbound", &P::close_wait_outbound, kSockets,
     "cw_out_*: outbound CLOSE_WAIT of one cause on a port, if that many linger."},
    {"findings.close_wait_growing", &P::close_wait_growing, kSockets,
     "cw_in_not_closed, cw_out_leak: fewer CLOSE_WAIT of a port never count as growing."},
    {"findings.close_wait_growth", &P::close_wait_growth, kTimes,
     "cw_in_not_closed, cw_out_leak: times as many CLOSE_WAIT as 15 minutes ago are growing."},
    {"findings.unacknowledged", &P::unacknowledged, kSockets,
     "close_unacked: lingering FIN_WAIT1 or LAST_ACK of a port."},
    {"findings.unacknowledged_opens", &P::unacknowledged_opens, kSeconds,
     "close_unacked: and more of them than are opened in so many seconds."},
    {"findings.closing", &P::closing, kSockets, "close_unacked: lingering CLOSING of a port."},
    {"findings.syn_recv", &P::syn_recv, kSockets,
     "syn_unanswered: lingering SYN_RECV of a port whose SYN-ACK was sent again."},
    {"findings.syn_recv_warning", &P::syn_recv_warning, kSockets,
     "syn_unanswered: that number from which on it is a warning."},
    {"findings.syn_recv_opens", &P::syn_recv_opens, kSeconds,
     "syn_unanswered: and more of them than are accepted in so many seconds."},
    {"findings.syn_sent", &P::syn_sent, kSockets,
     "syn_sent_unanswered: lingering SYN_SENT of a port."},
    {"findings.fin_wait2", &P::fin_wait2, kSockets,
     "fin_wait2_held: lingering FIN_WAIT2 of a port."},
    {"findings.hidden_sockets", &P::hidden_sockets, kSockets,
     "sockets_hidden: sockets that exist and that no dump shows."},
    {"findings.folded_sockets", &P::folded_sockets, kSockets,
     "blind: sockets of ports without series of their own."},
    {"findings.listener_drops", &P::listener_drops, kPerSecond,
     "acceptq_full, acceptq_bursts: drops a second at the listeners of a port."},
    {"findings.request_queue_full", &P::request_queue_full, kPerSecond,
     "syn_flood, syn_backlog_short: SYNs a second that meet a full request queue."},
    {"findings.attempt_failures", &P::attempt_failures, kPerSecond,
     "connect_refused: attempts to connect that fail a second."},
    {"findings.time_wait_rate", &P::time_wait_rate, kPerSecond,
     "tw_server, tw_client: TIME_WAIT that begin a second on a port."},
    {"findings.time_wait_overflows", &P::time_wait_overflows, kPerSecond,
     "tw_limit: sockets a second that the kernel closes without TIME_WAIT."},
    {"findings.aborts", &P::aborts, kPerSecond,
     "tcp_memory: connections a second that the kernel resets for want of memory."},
    {"findings.accept_queue", &P::accept_queue, kShare,
     "acceptq_full: share of its limit that an accept queue holds on average."},
    {"findings.attempt_failures_share", &P::attempt_failures_share, kShare,
     "connect_refused: failed attempts as a share of all connections begun here."},
    {"findings.ephemeral_ports", &P::ephemeral_ports, kShare,
     "ports_short: share of the ephemeral ports that one destination takes."},
    {"findings.ephemeral_ports_critical", &P::ephemeral_ports_critical, kShare,
     "ports_short: that share from which on it is critical."},
    {"findings.time_wait_share", &P::time_wait_share, kShare,
     "tw_server: share of the accepted connections that the service closes first."},
    {"findings.time_wait_limit", &P::time_wait_limit, kShare,
     "tw_limit: share of the kernel's limit of TIME_WAIT."},
    {"findings.orphans", &P::orphans, kShare,
     "orphans: share of the kernel's limit of orphaned sockets."},
    {"findings.tcp_memory", &P::tcp_memory, kShare,
     "tcp_memory: share of the kernel's limit of TCP memory."},
    {"findings.tcp_memory_pressure", &P::tcp_memory_pressure, kShare,
     "tcp_memory: that share from which on the kernel shrinks windows."},
    {"findings.folded_share", &P::folded_share, kShare,
     "blind: share of all sockets that have no series of their own port."},
    {"findings.queue_bytes", &P::queue_bytes, kBytes,
     "receive_queue_stuck, send_queue_stuck: bytes in the queues of a port."},
    {"findings.send_queue_socket_bytes", &P::send_queue_socket_bytes, kBytes,
     "send_queue_stuck: bytes for each connection of the port. close_unacked: those of slow "
     "downloads."},
});

}  // namespace

std::vector<ConfigurationKey> finding_keys() {
  using namespace key_values;
  const char* expected = "a list of names of findings, such as tw_server";
  std::vector<ConfigurationKey> keys = {{names(&P::disable, expected, kFindingNames),
                                         "findings.disable", "Findings that are never looked for.",
                                         false}};
  for (const Threshold& row : kThresholds) {
    keys.push_back(
        {number(row.member, row.range.least, row.range.most), row.name, row.summary, false});
  }
  return keys;
}

}  // namespace sockdiag
