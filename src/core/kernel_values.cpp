// SPDX-License-Identifier: Apache-2.0
#include "sockdiag/core/kernel_values.hpp"

#include <array>

namespace sockdiag {
namespace {

constexpr KernelValueRow tcp_ext(std::string_view metric, std::string_view field,
                                 std::string_view help) {
  return {metric, ValueType::counter, kernel_file::kNetstat, "TcpExt", field, 0, ValueUnit::one,
          help};
}

constexpr KernelValueRow tcp(std::string_view metric, std::string_view field,
                             std::string_view help) {
  return {metric, ValueType::counter, kernel_file::kSnmp, "Tcp", field, 0, ValueUnit::one, help};
}

constexpr KernelValueRow sockstat(std::string_view metric, std::string_view field, ValueUnit unit,
                                  std::string_view help) {
  return {metric, ValueType::gauge, kernel_file::kSockstat, "TCP", field, 0, unit, help};
}

constexpr KernelValueRow sysctl(std::string_view metric, std::string_view file,
                                std::size_t position, ValueUnit unit, std::string_view help) {
  return {metric, ValueType::gauge, file, "", "", position, unit, help};
}

constexpr auto kRows = std::to_array<KernelValueRow>({
    tcp_ext("sockdiag_tcp_listen_overflows_total", "ListenOverflows",
            "SYNs and handshake ACKs dropped because a listener's accept queue was full: the "
            "application accepts too slowly or its backlog is too small."),
    tcp_ext("sockdiag_tcp_listen_drops_total", "ListenDrops",
            "SYNs and handshake ACKs dropped at listeners for any reason. Includes "
            "sockdiag_tcp_listen_overflows_total; the other causes are a full request queue "
            "without SYN cookies, a lack of memory and a missing route."),
    tcp_ext("sockdiag_tcp_request_queue_full_drops_total", "TCPReqQFullDrop",
            "SYNs dropped because a listener's request queue was full and SYN cookies are off: "
            "there is a SYN flood, or the backlog is too small."),
    tcp_ext("sockdiag_tcp_request_queue_full_cookies_total", "TCPReqQFullDoCookies",
            "SYNs answered with a cookie because a listener's request queue was full: there is a "
            "SYN flood, or the backlog is too small. The number of half-open sockets cannot show "
            "it: it stops at the backlog."),
    tcp_ext("sockdiag_tcp_syncookies_sent_total", "SyncookiesSent",
            "SYN cookies sent. Growth is the true sign of a SYN flood or of a backlog that is too "
            "small, unless net.ipv4.tcp_syncookies is 2, which sends a cookie to every SYN."),
    tcp_ext("sockdiag_tcp_syncookies_failed_total", "SyncookiesFailed",
            "ACKs without a valid cookie at a listener that has recently sent cookies: they are "
            "late, stray or forged."),
    tcp_ext("sockdiag_tcp_time_wait_overflows_total", "TCPTimeWaitOverflow",
            "Sockets closed without TIME_WAIT because sockdiag_tcp_time_wait_limit_sockets was "
            "reached or memory ran out. Late segments may then reach a new connection."),
    tcp_ext("sockdiag_tcp_abort_on_memory_total", "TCPAbortOnMemory",
            "Connections reset because there were too many orphans or TCP used too much memory. "
            "Compare sockdiag_tcp_orphans and sockdiag_tcp_memory_bytes with their limits."),
    tcp_ext("sockdiag_tcp_syn_retransmits_total", "TCPSynRetrans",
            "SYNs and SYN-ACKs sent again because no answer came: packets are lost, a peer is "
            "down, or a listener drops them."),
    tcp("sockdiag_tcp_active_opens_total", "ActiveOpens",
        "Connections that this host began, failed ones included. A high rate means that "
        "connections are not reused; each takes an ephemeral port."),
    tcp("sockdiag_tcp_passive_opens_total", "PassiveOpens",
        "Connections that peers began and whose handshake was completed. A high rate means that "
        "clients do not reuse connections."),
    tcp("sockdiag_tcp_attempt_failures_total", "AttemptFails",
        "Handshakes that failed: outgoing ones were refused or timed out, incoming ones were reset "
        "by the peer."),
    tcp_ext("sockdiag_tcp_embryonic_resets_total", "EmbryonicRsts",
            "Incoming handshakes that a reset ended, as half-open health checks and scanners do. "
            "Each also counts in sockdiag_tcp_attempt_failures_total."),
    tcp("sockdiag_tcp_established_resets_total", "EstabResets",
        "Connections that went from ESTABLISHED or CLOSE_WAIT straight to closed: either side "
        "reset them, or they timed out."),
    sockstat("sockdiag_tcp_orphans", "orphan", ValueUnit::one,
             "Sockets that no process holds and that are not yet closed on the wire, without "
             "TIME_WAIT. The kernel resets them at sockdiag_tcp_orphans_limit or earlier. "
             "Host-wide even inside a network namespace."),
    sockstat("sockdiag_tcp_allocated_sockets", "alloc", ValueUnit::one,
             "TCP sockets that exist, including those that no dump shows. If it grows and "
             "sockdiag_tcp_sockets does not, unconnected or reset sockets are never closed: a "
             "descriptor leak. Host-wide even inside a network namespace."),
    sockstat("sockdiag_tcp_memory_bytes", "mem", ValueUnit::pages,
             "Memory of all TCP buffers. At sockdiag_tcp_memory_limit_bytes the kernel drops data "
             "and resets orphans. Host-wide even inside a network namespace."),
    sysctl("sockdiag_tcp_orphans_limit", kernel_file::kMaxOrphans, 0, ValueUnit::one,
           "Number of orphans from which the kernel resets them, at the latest "
           "(net.ipv4.tcp_max_orphans). Host-wide; absent outside the initial network namespace."),
    sysctl("sockdiag_tcp_memory_pressure_bytes", kernel_file::kMemory, 1, ValueUnit::pages,
           "Memory of all TCP buffers from which the kernel saves memory: it shrinks windows and "
           "prunes queues (the second number of net.ipv4.tcp_mem). Host-wide; absent outside the "
           "initial network namespace."),
    sysctl("sockdiag_tcp_memory_limit_bytes", kernel_file::kMemory, 2, ValueUnit::pages,
           "Memory that all TCP buffers may take (the last number of net.ipv4.tcp_mem). "
           "Host-wide; absent outside the initial network namespace."),
    sysctl("sockdiag_tcp_time_wait_limit_sockets", kernel_file::kMaxTimeWaits, 0, ValueUnit::one,
           "TIME_WAIT sockets that may exist (net.ipv4.tcp_max_tw_buckets). At the limit, sockets "
           "are closed without TIME_WAIT."),
});

}  // namespace

std::span<const KernelValueRow> kernel_value_rows() noexcept { return kRows; }

}  // namespace sockdiag
