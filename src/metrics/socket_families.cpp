// SPDX-License-Identifier: Apache-2.0

// The families of sockets: of the dump of all of them, and of the polls of listeners.

#include <functional>
#include <set>

#include "family_text.hpp"

namespace sockdiag {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

struct PortSeries {
  Direction direction;
  std::string port;
  const PortCounts& counts;
};

std::vector<PortSeries> ports_of(const TcpSnapshot& snapshot) {
  std::vector<PortSeries> all;
  for (const Direction direction : kDirections) {
    const DirectionCounts& counts = snapshot.of(direction);
    for (const PortCounts& port : counts.ports) {
      all.push_back({direction, std::to_string(port.port), port});
    }
    all.push_back({direction, "other", counts.other});
  }
  return all;
}

// A socket in such a state is inbound, whatever its ports are.
constexpr bool is_inbound_only(TcpState state) {
  return state == TcpState::listen || state == TcpState::syn_recv;
}

// Series cost a fleet more than they cost this host: what cannot be other than zero has none.
bool has_series(Direction direction, TcpState state, Seen seen) {
  if (state == TcpState::close) return seen.state(state);
  return direction == Direction::inbound || !is_inbound_only(state);
}

constexpr TcpState state_at(std::size_t index) { return static_cast<TcpState>(index + 1); }

void fill_sockets(const TcpSnapshot& snapshot, MetricFamily& family) {
  for (const auto& [direction, port, counts] : ports_of(snapshot)) {
    for (std::size_t i = 0; i < kTcpStateCount; ++i) {
      if (!has_series(direction, state_at(i), counts.seen)) continue;
      add(family, {{"direction", name_of(direction)}, {"port", port}, {"state", kTcpStateNames[i]}},
          counts.sockets[i]);
    }
  }
}

void fill_family_sockets(const TcpSnapshot& snapshot, MetricFamily& family) {
  for (std::size_t i = 0; i < kAddressFamilyNames.size(); ++i) {
    for (std::size_t state = 0; state < kTcpStateCount; ++state) {
      if (!has_series(Direction::inbound, state_at(state), snapshot.seen_by_family[i])) continue;
      add(family, {{"family", kAddressFamilyNames[i]}, {"state", kTcpStateNames[state]}},
          snapshot.families[i][state]);
    }
  }
}

void fill_folded_ports(const TcpSnapshot& snapshot, MetricFamily& family) {
  for (const Direction direction : kDirections) {
    add(family, {{"direction", name_of(direction)}}, snapshot.of(direction).folded_ports);
  }
}

constexpr auto kAlways = [](Seen) { return true; };
constexpr auto kFirstReceivedByte = [](Seen seen) { return seen.receive_queue_bytes(); };
constexpr auto kFirstSentByte = [](Seen seen) { return seen.send_queue_bytes(); };
template <TcpState State>
constexpr auto kFirstIn = [](Seen seen) { return seen.state(State); };

// `Since`: what a port must have had to have a series.
template <auto Value, auto Since = kAlways>
void fill_both_directions(const TcpSnapshot& snapshot, MetricFamily& family) {
  for (const auto& [direction, port, counts] : ports_of(snapshot)) {
    if (!Since(counts.seen)) continue;
    add(family, {{"direction", name_of(direction)}, {"port", port}}, std::invoke(Value, counts));
  }
}

template <auto Value, auto Since>
void fill_inbound(const TcpSnapshot& snapshot, MetricFamily& family) {
  for (const auto& [direction, port, counts] : ports_of(snapshot)) {
    if (direction != Direction::inbound || !Since(counts.seen)) continue;
    add(family, {{"port", port}}, std::invoke(Value, counts));
  }
}

template <auto Member>
void fill_accept_queue(const TcpSnapshot& snapshot, MetricFamily& family) {
  constexpr auto kValue = [](const PortCounts& counts) { return counts.accept_queue.*Member; };
  fill_inbound<kValue, kFirstIn<TcpState::listen>>(snapshot, family);
}

// A connection that waits for accept() is its listener's.
bool has_series(Direction direction, CloseWaitCause cause, std::uint32_t sockets) {
  return direction == Direction::inbound || cause != CloseWaitCause::not_accepted || sockets > 0;
}

void fill_close_wait(const TcpSnapshot& snapshot, MetricFamily& family) {
  for (const auto& [direction, port, counts] : ports_of(snapshot)) {
    if (!counts.seen.state(TcpState::close_wait)) continue;
    for (std::size_t i = 0; i < kCloseWaitCauseCount; ++i) {
      const std::uint32_t sockets = counts.close_wait_causes[i];
      if (!has_series(direction, static_cast<CloseWaitCause>(i), sockets)) continue;
      add(family,
          {{"direction", name_of(direction)}, {"port", port}, {"cause", kCloseWaitCauseNames[i]}},
          sockets);
    }
  }
}

template <auto Member>
void fill_stays(const TcpSnapshot& snapshot, MetricFamily& family) {
  if (!snapshot.unique_cookies) return;
  for (const auto& [direction, port, counts] : ports_of(snapshot)) {
    for (std::size_t i = 0; i < kPassingStateCount; ++i) {
      const TcpState state = kPassingStates[i];
      if (!counts.seen.state(state)) continue;
      add(family, {{"direction", name_of(direction)}, {"port", port}, {"state", name_of(state)}},
          counts.stays[i].*Member);
    }
  }
}

void fill_starts(const TcpSnapshot& snapshot, MetricFamily& family) {
  if (!snapshot.unique_cookies) return;
  fill_both_directions<&PortCounts::time_wait_started>(snapshot, family);
}

// A namespace shows ages, and which of its FIN_WAIT2 are orphaned, from the first lingering socket
// on.
constexpr auto kBeginLingering = fill_stays<&Stay::lingering>;
constexpr auto kLingeringInFinWait2 = [](const PortCounts& counts) {
  return counts.stays[passing_index_of(TcpState::fin_wait2)].lingering;
};

void begin_always(const TcpSnapshot& snapshot, MetricFamily& family) {
  add(family, {}, snapshot.unaccounted_sockets ? std::optional(1) : std::nullopt);
}

void fill_unfollowed(const TcpSnapshot& snapshot, MetricFamily& family) {
  if (snapshot.unique_cookies) add(family, {}, snapshot.unfollowed_sockets);
}

void fill_thresholds(const TcpSnapshot& snapshot, MetricFamily& family) {
  for (std::size_t i = 0; i < kPassingStateCount; ++i) {
    add(family, {{"state", name_of(kPassingStates[i])}}, snapshot.lingering_thresholds[i]);
  }
}

void fill_ephemeral_ports_used(const TcpSnapshot& snapshot, MetricFamily& family) {
  const EphemeralPortUse& use = snapshot.ephemeral;
  for (std::size_t rank = 0; rank < use.ranks; ++rank) {
    const bool taken = rank < use.busiest.size();
    add(family, {{"rank", std::to_string(rank + 1)}},
        taken ? use.busiest[rank].ephemeral_ports : 0);
  }
}

// A destination may be busy from several source addresses: the busiest comes first.
void fill_destinations(const TcpSnapshot& snapshot, MetricFamily& family) {
  if (!snapshot.ephemeral.export_addresses) return;
  std::set<std::string> shown;
  for (const DestinationUse& use : snapshot.ephemeral.busiest) {
    const std::string name = to_text(use.destination);
    if (shown.insert(name).second) add(family, {{"destination", name}}, use.ephemeral_ports);
  }
}

constexpr auto kTcpFamilies = std::to_array<FamilyRow<TcpSnapshot>>({
    {"sockdiag_tcp_sockets", MetricType::Gauge, "direction, port, state",
     "TCP sockets by direction, service port and state. Each socket is in exactly one series. "
     "Inbound: port is the local port, of a service on this host. Outbound: port is the remote "
     "port, of a service that this host calls.",
     fill_sockets, fill_sockets},
    {"sockdiag_tcp_family_sockets", MetricType::Gauge, "family, state",
     "TCP sockets by address family on the wire and by state. An IPv4-mapped IPv6 socket counts as "
     "ipv4. The sum over all series equals that of the sockdiag_tcp_sockets of the exporter's own "
     "network namespace.",
     fill_family_sockets},
    {"sockdiag_tcp_folded_ports", MetricType::Gauge, "direction",
     "Distinct ports whose sockets are counted under port=\"other\".", fill_folded_ports,
     fill_folded_ports},
    {"sockdiag_tcp_receive_queue_bytes", MetricType::Gauge, "direction, port",
     "Bytes that were received and that the application has not read yet. Listeners are left out. "
     "An unread end of stream counts as one byte, as in ss.",
     fill_both_directions<&PortCounts::receive_queue_bytes, kFirstReceivedByte>,
     fill_both_directions<&PortCounts::receive_queue_bytes, kFirstReceivedByte>},
    {"sockdiag_tcp_send_queue_bytes", MetricType::Gauge, "direction, port",
     "Bytes that were written and that the peer has not acknowledged yet. Listeners are left out. "
     "A SYN or FIN counts as one byte, as in ss.",
     fill_both_directions<&PortCounts::send_queue_bytes, kFirstSentByte>,
     fill_both_directions<&PortCounts::send_queue_bytes, kFirstSentByte>},
    {"sockdiag_tcp_accept_queue_sockets", MetricType::Gauge, "port",
     "Connections that wait for accept(), summed over all listeners of the port.",
     fill_accept_queue<&AcceptQueue::length>, fill_accept_queue<&AcceptQueue::length>},
    {"sockdiag_tcp_accept_queue_limit_sockets", MetricType::Gauge, "port",
     "Limit of the accept queue (the backlog, Send-Q in ss), summed over all listeners of the "
     "port. A listener's queue is full when its length exceeds its limit.",
     fill_accept_queue<&AcceptQueue::limit>, fill_accept_queue<&AcceptQueue::limit>},
    {"sockdiag_tcp_accept_queue_utilization_ratio", MetricType::Gauge, "port",
     "Length divided by limit of the accept queue, for the fullest listener of the port. Above 1 "
     "the queue is full and the kernel drops new connections. If the limit is 0, the value is the "
     "length plus one, or 0 for an empty queue.",
     fill_accept_queue<&AcceptQueue::utilization>, fill_accept_queue<&AcceptQueue::utilization>},
    {"sockdiag_tcp_close_wait_sockets", MetricType::Gauge, "direction, port, cause",
     "CLOSE_WAIT sockets by what the application has not done yet. The causes add up to the state. "
     "not_accepted: accept() was not called; the service is stuck or overloaded. unread_data: the "
     "application does not read what the peer sent. unread_goodbye: the unread bytes are as many "
     "as a TLS close_notify, or an HTTP/2 GOAWAY and a close_notify, plus the end of the stream; "
     "these are idle connections that nobody watches. Only the length is known, so other data of "
     "the same length counts here too. unread_eof: only the end of the stream is unread. "
     "not_closed: the application read everything and did not call close(); it leaks descriptors, "
     "or it still serves a client that closed its half.",
     fill_close_wait, fill_close_wait},
    {"sockdiag_tcp_lingering_sockets", MetricType::Gauge, "direction, port, state",
     "Sockets that have stayed in a passing state for at least its lingering threshold. They show "
     "a leak or a stuck peer, not churn. Ages are lower bounds (see "
     "sockdiag_tcp_oldest_socket_seconds).",
     fill_stays<&Stay::lingering>, fill_stays<&Stay::lingering>},
    {"sockdiag_tcp_lingering_threshold_seconds", MetricType::Gauge, "state",
     "Age in seconds from which a socket in this state counts as lingering (configuration: "
     "lifetimes).",
     fill_thresholds},
    {"sockdiag_tcp_oldest_socket_seconds", MetricType::Gauge, "direction, port, state",
     "Age of the oldest socket in this passing state, 0 if there is none. The age is a lower "
     "bound: it counts from the first sample that saw the socket in the state; for a CLOSE_WAIT "
     "found at start-up, from the last segment received.",
     fill_stays<&Stay::oldest>, kBeginLingering},
    {"sockdiag_tcp_unfollowed_sockets", MetricType::Gauge, "",
     "Sockets in passing states whose age is unknown because lifetimes.max_sockets leaves no room "
     "to follow them. Above 0, the counts of lingering sockets and the oldest ages are lower "
     "bounds.",
     fill_unfollowed, fill_unfollowed},
    {"sockdiag_tcp_fin_wait2_orphaned_sockets", MetricType::Gauge, "direction, port",
     "FIN_WAIT2 sockets that the application has closed. The kernel ends them after "
     "tcp_fin_timeout. The other sockets in state=fin_wait2 are half closed: the application waits "
     "for its peer, without a limit.",
     fill_both_directions<&PortCounts::orphaned_fin_wait2, kFirstIn<TcpState::fin_wait2>>,
     fill_both_directions<kLingeringInFinWait2, kFirstIn<TcpState::fin_wait2>>},
    {"sockdiag_tcp_syn_recv_retransmitting_sockets", MetricType::Gauge, "port",
     "Half-open connections whose SYN-ACK was sent again. The client did not answer it, or the "
     "kernel dropped the client's last ACK because the accept queue is full.",
     fill_inbound<&PortCounts::retransmitting_syn_recv, kFirstIn<TcpState::syn_recv>>,
     fill_inbound<&PortCounts::retransmitting_syn_recv, kFirstIn<TcpState::syn_recv>>},
    {"sockdiag_tcp_syn_recv_prefixes", MetricType::Gauge, "port",
     "Distinct client networks (/24, /64) of sockdiag_tcp_syn_recv_retransmitting_sockets. Many "
     "networks mean a flood or scanners; few mean a lossy path or SYN-ACKs reflected to a victim. "
     "The count is exact up to 16384 networks on all ports together and a lower bound beyond. "
     "Under port=\"other\" the counts of all its ports are added.",
     fill_inbound<&PortCounts::syn_recv_prefixes, kFirstIn<TcpState::syn_recv>>,
     fill_inbound<&PortCounts::syn_recv_prefixes, kFirstIn<TcpState::syn_recv>>},
    {"sockdiag_tcp_time_wait_started_total", MetricType::Counter, "direction, port",
     "TIME_WAIT sockets that began since the first sample: connections that this side closed "
     "first. The rate multiplied by the time they last (60 s, or net.ipv4.tcp_tw_timeout if the "
     "kernel has it) gives the number of TIME_WAIT sockets to expect. A socket that ended before a "
     "sample saw it is not counted: the interval was longer than that time, its port was used "
     "again (tcp_tw_reuse, or a SYN from the same client port), or a reset came.",
     fill_starts, fill_starts},
    {"sockdiag_tcp_ephemeral_ports", MetricType::Gauge, "",
     "Local ports that outgoing connections to one destination can use: "
     "net.ipv4.ip_local_port_range without the reserved ports. Absent, like the ephemeral ports in "
     "use, if the settings cannot be read.",
     [](const TcpSnapshot& s, MetricFamily& f) { add(f, {}, s.ephemeral.available); }},
    {"sockdiag_tcp_ephemeral_ports_used", MetricType::Gauge, "rank",
     "Ephemeral ports in use, TIME_WAIT included, for the busiest triples of source address, "
     "destination address and destination port, rank 1 first. Near sockdiag_tcp_ephemeral_ports, "
     "connect() becomes slow and then fails. The count is exact up to 16384 triples; beyond, it is "
     "too low by at most one 16385th of all sockets.",
     fill_ephemeral_ports_used},
    {"sockdiag_tcp_local_ephemeral_ports_used", MetricType::Gauge, "",
     "Distinct local ports of the ephemeral range that sockets in any state use, over all "
     "destinations. connect() can use a port again for another destination. bind() to port 0 "
     "before connect() cannot, and fails with EADDRINUSE near sockdiag_tcp_ephemeral_ports. "
     "Sockets that are bound but neither listen nor connect are not visible.",
     [](const TcpSnapshot& s, MetricFamily& f) { add(f, {}, s.ephemeral.local_ports_used); }},
    {"sockdiag_tcp_destination_ephemeral_ports_used", MetricType::Gauge, "destination",
     "Ephemeral ports in use by destination (address and port), from its busiest source address. "
     "Present only with ephemeral_ports.export_addresses.",
     fill_destinations},
    {"sockdiag_tcp_unaccounted_sockets", MetricType::Gauge, "",
     "Sockets in the kernel's own total (sockstat: TCP inuse and tw, TCP6 inuse) minus sockets in "
     "the dump. 0 if the dump lies between the totals read before and after it. Connections that "
     "come and go during a dump make it waver around 0. If it stays away from 0, the dump is "
     "incomplete.",
     [](const TcpSnapshot& s, MetricFamily& f) { add(f, {}, s.unaccounted_sockets); },
     begin_always},
    {"sockdiag_sample_sockets", MetricType::Gauge, "source", "Sockets in the last good sample.",
     [](const TcpSnapshot& s, MetricFamily& f) {
       add(f, {{"source", "tcp"}}, s.sockets);
     }},
    {"sockdiag_sample_unknown_state_sockets", MetricType::Gauge, "source",
     "Sockets of the last good sample in a state that this exporter does not know. They are in no "
     "other series.",
     [](const TcpSnapshot& s, MetricFamily& f) {
       add(f, {{"source", "tcp"}}, s.unknown_state_sockets);
     }},
});

template <auto Member>
void fill_listeners(const ListenerSnapshot& snapshot, MetricFamily& family) {
  for (const ListenerCounts& counts : snapshot.ports) {
    add(family, {{"port", std::to_string(counts.port)}}, counts.*Member);
  }
  add(family, {{"port", "other"}}, snapshot.other.*Member);
}

constexpr auto kListenerFamilies = std::to_array<FamilyRow<ListenerSnapshot>>({
    {"sockdiag_tcp_accept_queue_peak_sockets", MetricType::Gauge, "port",
     "Highest sockdiag_tcp_accept_queue_sockets in the trailing listeners.peak_window, polled "
     "every listeners.interval. It shows bursts that a scrape misses.",
     fill_listeners<&ListenerCounts::accept_queue_peak>,
     fill_listeners<&ListenerCounts::accept_queue_peak>},
    {"sockdiag_tcp_listener_drops_total", MetricType::Counter, "port",
     "SYNs and handshake ACKs that the kernel dropped at the port's listeners since the exporter "
     "started, across restarts of the listener. Each repetition counts. A listener's own counter "
     "also grows by connections that TCP_DEFER_ACCEPT holds back and by repeated SYNs that were "
     "answered. So all ports together get at most the growth of the kernel's ListenDrops between "
     "two polls: first the ports whose accept queue was full, and each port only what no other "
     "port of its kind can have taken. Uncertain drops are in sockdiag_tcp_listen_drops_total "
     "alone. Absent while ListenDrops cannot be read.",
     fill_listeners<&ListenerCounts::drops>, fill_listeners<&ListenerCounts::drops>},
});

}  // namespace

std::span<const FamilyRow<TcpSnapshot>> tcp_families() noexcept { return kTcpFamilies; }
std::span<const FamilyRow<ListenerSnapshot>> listener_families() noexcept {
  return kListenerFamilies;
}

FamilyText render_by_family(const TcpSnapshot& snapshot, const FamilyPatterns& excluded) {
  return render_table_by_family(tcp_families(), snapshot, excluded);
}
FamilyText render_by_family(const ListenerSnapshot& snapshot, const FamilyPatterns& excluded) {
  return render_table_by_family(listener_families(), snapshot, excluded);
}
std::string render(const TcpSnapshot& snapshot, const FamilyPatterns& excluded) {
  return render_by_family(snapshot, excluded).text;
}
std::string render(const ListenerSnapshot& snapshot, const FamilyPatterns& excluded) {
  return render_by_family(snapshot, excluded).text;
}

}  // namespace sockdiag
