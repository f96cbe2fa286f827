# SPDX-License-Identifier: Apache-2.0
"""One host: what its TCP sockets do, whose they are, and how the exporter fares. Its panels are of the
host's own network namespace; those of pods and containers have rows of their own."""

from source.dashboard import dashboard, exporters, variable
from source.kinds import (
    ANY_IS_BAD,
    BY_OWNER,
    CAUSES,
    CLOSE_WAIT_GROWING,
    CLOSE_WAIT_LINGERING,
    HEALTH,
    NEAR_EXHAUSTION,
    NONE_IS_GOOD,
    OUTBOUND_STATES,
    OWNER,
    STACKED,
    STATES,
    SYMLOG,
    by_owner,
    by_port,
    findings,
    graph,
    joined,
    matrix,
    of_column,
    owners,
    rate,
    rates,
    stat,
)

SOCKETS = "sockdiag_tcp_sockets"
LINGERING = "sockdiag_tcp_lingering_sockets"
FIRING = 'ALERTS{alertname=~"Sockdiag.*",alertstate="firing",@exporter}'
TIME_WAIT_SHARE = (
    f'(sum without (direction, port, state) ({SOCKETS}{{@host,state="time_wait"}})'
    " + (sum without (direction, port) (sockdiag_tcp_fin_wait2_orphaned_sockets{@host})"
    " or 0 * sockdiag_tcp_time_wait_limit_sockets{@host}))"
    " / sockdiag_tcp_time_wait_limit_sockets{@host}"
)

SAMPLE_AGE = (
    "timestamp(sockdiag_sample_timestamp_seconds{@exporter})"
    " - sockdiag_sample_timestamp_seconds{@exporter}"
)

OVERVIEW = [
    stat("Sockets", "short", f"sum({SOCKETS}{{@host}})",
         "All TCP sockets of its network namespace, TIME_WAIT and listeners included."),
    stat("CLOSE_WAIT", "short", f'sum({SOCKETS}{{@host,state="close_wait"}})',
         "The peer closed, the application here has not yet. Those that stay are a leak."),
    stat("Lingering CLOSE_WAIT", "short",
         f'max({LINGERING}{{@host,direction="inbound",state="close_wait"}})'
         ' or 0 * max(sockdiag_tcp_lingering_threshold_seconds{@exporter,state="close_wait"})',
         "On the worst inbound port: older than their threshold, a leak and not churn.",
         {"SockdiagCloseWaitLingering": 20}),
    stat("TIME_WAIT limit used", "percentunit", f"max({TIME_WAIT_SHARE})",
         "TIME_WAIT and orphaned FIN_WAIT2, which the kernel counts as well, of"
         " tcp_max_tw_buckets.", {"SockdiagTimeWaitNearLimit": 0.8}),
    stat("Worst accept queue", "percentunit",
         "max(sockdiag_tcp_accept_queue_utilization_ratio{@host})",
         "How full the fullest accept queue is; above 100 % the kernel drops new connections.",
         {"SockdiagAcceptQueueFull": 0.9}),
    stat("Ephemeral ports used", "percentunit",
         'max(sockdiag_tcp_ephemeral_ports_used{@host,rank="1"})'
         " / max(sockdiag_tcp_ephemeral_ports{@host})",
         "By the busiest destination; near 100 % connect() to it is slow and then fails.",
         NEAR_EXHAUSTION),
    stat("Exporter", "none", 'min(sockdiag_sample_success{@exporter,source!="owners"}) or min(up{@exporter})',
         "Failing when Prometheus cannot scrape it, or when one of its sources fails. Without owners"
         " no socket is missed, only whose it is.",
         {"SockdiagExporterDown": 0}, HEALTH, below={"SockdiagSamplingFailing": 0.5}),
    stat("Firing alerts", "none", f"count({FIRING}) or vector(0)",
         "Alerts of this host that fire now; red marks on all graphs show since when.",
         words=NONE_IS_GOOD, colours=ANY_IS_BAD),
]

FINDINGS = [
    findings(["finding", "direction", "port"], "@exporter",
             "What the exporter itself finds, mostly in samples of the last half minute, the worst"
             " first; none where all is well. sockdiag_exporter explain FINDING says what it means and what to do.",
             width=24),
]

STATES_OVER_TIME = [
    graph("Sockets by state, $direction", "short",
          {"{{state}}": f"sum by (state) ({SOCKETS}{{@port}})"},
          "Of the ports chosen above. The scale is logarithmic, so that small states show as well.",
          width=24, extra={"repeat": "direction", "repeatDirection": "h"}, custom=SYMLOG),
]

CLOSE_WAIT = [
    by_port("CLOSE_WAIT by port", f'{SOCKETS}{{@port,state="close_wait"}}',
            "A floor that rises step by step is a leak; one step is an event that is over.",
            dict.fromkeys(CLOSE_WAIT_GROWING, 50), width=12),
    graph("CLOSE_WAIT by cause", "short",
          {"{{direction}} {{cause}}": "sum by (direction, cause)"
           " (sockdiag_tcp_close_wait_sockets{@port})"},
          f"{CAUSES} Nothing is drawn before the first CLOSE_WAIT.",
          {"SockdiagCloseWaitLingering": None}, width=12, custom=STACKED),
    by_port("Lingering CLOSE_WAIT by port", f'{LINGERING}{{@port,state="close_wait"}}',
            "Older than the threshold. Inbound the application here leaks; outbound a pool keeps"
            " connections that the server has closed.", CLOSE_WAIT_LINGERING, width=12),
    graph("Oldest CLOSE_WAIT by port", "s",
          {"{{direction}} {{port}}": "sockdiag_tcp_oldest_socket_seconds"
           '{@port,state="close_wait"} > 0',
           "lingers from": 'sockdiag_tcp_lingering_threshold_seconds{@exporter,state="close_wait"}'},
          "A line that climbs with the clock is one socket that nobody closes; a lower bound."
          " Ports without any are not drawn.", {"SockdiagCloseWaitLingering": None}, width=12),
]

BY_PORT = [
    matrix("Inbound sockets by port and state", f'{SOCKETS}{{@listener,direction="inbound"}}',
           STATES, "Connections to listeners here, by the local port.", width=24),
    matrix("Outbound sockets by port and state", f'{SOCKETS}{{@listener,direction="outbound"}}',
           OUTBOUND_STATES, "Connections to other services, by the remote port.", width=24),
    by_port("Bytes received and not read, by port", "sockdiag_tcp_receive_queue_bytes{@port}",
            "Standing or growing: the application does not read.",
            {"SockdiagReceiveQueueStuck": 1048576}, unit="bytes", width=12),
    by_port("Bytes written and not acknowledged, by port", "sockdiag_tcp_send_queue_bytes{@port}",
            "Standing or growing: the peers do not read, or the path is slow.",
            {"SockdiagSendQueueStuck": 1048576}, unit="bytes", width=12),
    by_port("ESTABLISHED by port", f'{SOCKETS}{{@port,state="established"}}',
            "Load moves it. Over days it should come down as often as it goes up.",
            {"SockdiagEstablishedGrowing": 200}, width=12),
    graph("Listeners by port", "short",
          {"{{port}}": f'{SOCKETS}{{@listener,direction="inbound",state="listen"}}'},
          "At 0 nothing listens: new connections are refused.",
          {"SockdiagListenerGone": 0}, width=12),
]

QUEUE = "sockdiag_tcp_accept_queue"
DROPS = rate("sockdiag_tcp_listener_drops_total{@listener}")
ACCEPT_QUEUES = [
    joined("Accept queues now", "short", ["port"],
           {"length": f"max by (port) ({QUEUE}_sockets{{@listener}})",
            "peak": f"max by (port) ({QUEUE}_peak_sockets{{@listener}})",
            "limit": f"max by (port) ({QUEUE}_limit_sockets{{@listener}})",
            "drops a second": f"max by (port) ({DROPS})",
            "used": f"max by (port) ({QUEUE}_utilization_ratio{{@listener}})"},
           "Length, peak and limit of all listeners of a port together, use of the fullest one.",
           {"SockdiagAcceptQueueFull": 0.9}, width=12,
           overrides=[of_column("used", unit="percentunit"),
                      of_column("drops a second", unit="cps")]),
    by_port("Use of accept queues by port", {"{{port}}": f"{QUEUE}_utilization_ratio{{@listener}}"},
            "The fullest listener of each; above 100 % the kernel drops.",
            {"SockdiagAcceptQueueFull": 0.9}, unit="percentunit", width=12),
    by_port("Lengths and peaks of accept queues by port",
            {"{{port}} length": f"{QUEUE}_sockets{{@listener}}",
             "{{port}} peak": f"{QUEUE}_peak_sockets{{@listener}}"},
            "The peak shows bursts between two scrapes.",
            {"SockdiagAcceptQueueFull": None}, width=12),
    by_port("Drops at listeners by port", {"{{port}}": DROPS},
            "SYNs and handshake ACKs that the kernel dropped, each repetition again.",
            {"SockdiagListenerDropping": 0.1}, unit="cps", width=6),
    rates("Drops at all listeners",
          {"for any reason": "sockdiag_tcp_listen_drops_total",
           "accept queue full": "sockdiag_tcp_listen_overflows_total"},
          "As the kernel counts them for the whole network namespace.",
          {"SockdiagListenerDropping": 0.1, "SockdiagListenDropsUnattributed": 0.1}, width=6),
]

COOKIES = "sockdiag_tcp_request_queue_full_cookies_total{@host}"
REQUEST_DROPS = "sockdiag_tcp_request_queue_full_drops_total{@host}"
SYN = [
    by_port("SYN_RECV by port", {"{{port}}": f'{SOCKETS}{{@listener,state="syn_recv"}}'},
            "Handshakes under way. It stops at the backlog: a flood shows in the cookies."),
    by_port("SYN_RECV whose SYN-ACK was sent again, and their networks",
            {"{{port}} sockets": "sockdiag_tcp_syn_recv_retransmitting_sockets{@listener}",
             "{{port}} networks": "sockdiag_tcp_syn_recv_prefixes{@listener}"},
            "From many networks (/24, /64) a flood or scanners, from few a lossy path or reflected "
            "SYN-ACKs.",
            {"SockdiagSynFlood": None}),
    by_port("Lingering SYN_RECV by port",
            {"{{port}}": f'{LINGERING}{{@listener,state="syn_recv"}}'},
            "Clients that do not answer, a lossy path back, or a full accept queue.",
            {"SockdiagSynRecvLingering": 50}),
    graph("Full request queues", "cps",
          {"cookies and drops": f"{rate(COOKIES)} + {rate(REQUEST_DROPS)}",
           "drops": rate(REQUEST_DROPS),
           "handshakes completed": rate("sockdiag_tcp_passive_opens_total{@host}")},
          "SYNs that met a full queue of half-open connections: far more than the handshakes"
          " completed are a flood.", {"SockdiagSynFlood": 10}),
    rates("SYN cookies",
          {"sent": "sockdiag_tcp_syncookies_sent_total",
           "failed": "sockdiag_tcp_syncookies_failed_total"},
          "The size of a flood, unless net.ipv4.tcp_syncookies is 2 and every SYN gets a cookie.",
          {"SockdiagSynFlood": None}),
    by_port("Lingering SYN_SENT by port", f'{LINGERING}{{@port,state="syn_sent"}}',
            "The peer does not answer: a firewall, a dead host, a lossy path.",
            {"SockdiagSynSentLingering": 10}),
    rates("SYNs and SYN-ACKs sent again", {"sent again": "sockdiag_tcp_syn_retransmits_total"},
          "No answer came: packets are lost, a peer is down, or a listener drops them."),
]

TIME_WAIT = [
    by_port("TIME_WAIT by port", f'{SOCKETS}{{@port,state="time_wait"}}',
            "Connections that this side closed first, for 60 s each."),
    by_port("TIME_WAITs begun by port", rate("sockdiag_tcp_time_wait_started_total{@port}"),
            "Times 60 s it is how many there will be.", unit="cps"),
    graph("TIME_WAIT, of the limit", "percentunit", {"used": TIME_WAIT_SHARE},
          "At 100 % of tcp_max_tw_buckets sockets are closed without TIME_WAIT.",
          {"SockdiagTimeWaitNearLimit": 0.8}),
    rates("Sockets closed without TIME_WAIT",
          {"overflows": "sockdiag_tcp_time_wait_overflows_total"},
          "The limit was reached or memory ran out; late segments may reach a new connection.",
          {"SockdiagTimeWaitOverflow": 0.1}),
    graph("Ephemeral ports used and available", "short",
          {"rank {{rank}}": "sockdiag_tcp_ephemeral_ports_used{@host}",
           "available": "sockdiag_tcp_ephemeral_ports{@host}"},
          "By the busiest destinations, each from one source address; TIME_WAIT included.",
          dict.fromkeys(NEAR_EXHAUSTION)),
    graph("Local ephemeral ports used by any socket", "percentunit",
          {"used": "sockdiag_tcp_local_ephemeral_ports_used{@host}"
           " / sockdiag_tcp_ephemeral_ports{@host}"},
          "connect() lets destinations share a port: a busy proxy comes near 100 % and is well."
          " bind() before connect() takes one for each socket, and fails there.", NEAR_EXHAUSTION),
    graph("Outbound sockets for each local ephemeral port", "short",
          {"sockets": f'sum without (direction, port, state) ({SOCKETS}{{@host,direction="outbound"}})'
           " / sockdiag_tcp_local_ephemeral_ports_used{@host}"},
          "1 or hardly more where programs bind() before connect(); more where ports are shared.",
          dict.fromkeys(NEAR_EXHAUSTION)),
    graph("Ephemeral ports used, of those available", "percentunit",
          {"rank {{rank}}": "sockdiag_tcp_ephemeral_ports_used{@host}"
           " / ignoring (rank) group_left () sockdiag_tcp_ephemeral_ports{@host}"},
          "Near 100 % connect() to that destination is slow and then fails.", NEAR_EXHAUSTION),
    graph("Ephemeral ports used by destination", "short",
          {"{{destination}}": "sockdiag_tcp_destination_ephemeral_ports_used{@host}"},
          "Only with ephemeral_ports.export_addresses in the exporter's configuration.",
          dict.fromkeys(NEAR_EXHAUSTION)),
]

OTHER_STATES = [
    by_port("Lingering FIN_WAIT2 by port", f'{LINGERING}{{@port,state="fin_wait2"}}',
            "This side has closed its half, the peer never does.",
            {"SockdiagFinWait2Lingering": 100}),
    by_port("Orphaned FIN_WAIT2 by port", "sockdiag_tcp_fin_wait2_orphaned_sockets{@port}",
            "Closed by the application: the kernel ends them after tcp_fin_timeout.",
            {"SockdiagFinWait2Lingering": None}),
    by_port("Lingering LAST_ACK by port", f'{LINGERING}{{@port,state="last_ack"}}',
            "The last acknowledgement never comes: the peer is gone.",
            {"SockdiagLastAckLingering": 50}),
    by_port("Lingering FIN_WAIT1 by port", f'{LINGERING}{{@port,state="fin_wait1"}}',
            "The peer does not acknowledge our FIN, or what is before it: gone, or a download.",
            {"SockdiagFinWait1Lingering": 50}),
    by_port("Lingering CLOSING by port", f'{LINGERING}{{@port,state="closing"}}',
            "Both sides have sent their FIN and the peer does not acknowledge ours.",
            {"SockdiagClosingLingering": 10}),
    graph("Orphans, of their limit", "percentunit",
          {"used": "sockdiag_tcp_orphans{@host} / sockdiag_tcp_orphans_limit{@host}"},
          "Sockets that no process holds; resets may begin at a quarter of the limit."
          " Absent outside the initial network namespace.", {"SockdiagOrphansNearLimit": 0.2}),
    graph("TCP memory, of its limit", "percentunit",
          {"used": "sockdiag_tcp_memory_bytes{@host} / sockdiag_tcp_memory_limit_bytes{@host}"},
          "At 100 % the kernel drops data and resets orphans. Absent outside the initial network"
          " namespace.", {"SockdiagTcpMemoryNearLimit": 0.8, "SockdiagTcpMemoryPressure": 0.67}),
    graph("TCP memory", "bytes",
          {"used": "sockdiag_tcp_memory_bytes{@host}",
           "pressure begins": "sockdiag_tcp_memory_pressure_bytes{@host}"},
          "Of all TCP buffers of the host. From the second line on buffers and windows shrink.",
          dict.fromkeys(("SockdiagTcpMemoryNearLimit", "SockdiagTcpMemoryPressure"))),
    rates("Connections reset for want of memory", {"resets": "sockdiag_tcp_abort_on_memory_total"},
          "There were too many orphans, or TCP used too much memory.",
          {"SockdiagAbortOnMemory": 0.1}),
    graph("Sockets that exist and sockets shown", "short",
          {"exist": "sockdiag_tcp_allocated_sockets{@host}",
           "orphans": "sockdiag_tcp_orphans{@host}",
           "shown": "sum without (direction, port, state)"
           f' ({SOCKETS}{{@host,state!~"time_wait|syn_recv"}})'},
          "If the first grows and the last does not, sockets that are no connection (any more) are"
          " never closed. The first two are the whole host's, the last one namespace's.",
          {"SockdiagSocketsHidden": None}),
    graph("Sockets that no dump shows", "short",
          {"hidden": "sockdiag_tcp_allocated_sockets{@host} - sum without (direction, port, state)"
           f' ({SOCKETS}{{@host,state!~"time_wait|syn_recv"}})'},
          "Reset or never connected, and those of other network namespaces: growth tells.",
          {"SockdiagSocketsHidden": 1000}),
]

KERNEL_COUNTERS = [
    rates("Connections opened",
          {"from here": "sockdiag_tcp_active_opens_total",
           "by peers": "sockdiag_tcp_passive_opens_total"},
          "A high rate means that connections are not reused.", width=6),
    rates("Handshakes that failed",
          {"failed": "sockdiag_tcp_attempt_failures_total",
           "incoming ones among them": "sockdiag_tcp_embryonic_resets_total"},
          "Outgoing ones refused or timed out, incoming ones reset by the peer.",
          {"SockdiagConnectionsRefused": 1}, width=6),
    rates("Connections reset", {"reset": "sockdiag_tcp_established_resets_total"},
          "Reset by either side or timed out, not closed in order.", width=6),
    graph("Sockets by address family", "short",
          {"{{family}}": "sum by (family) (sockdiag_tcp_family_sockets{@host})"},
          "On the wire: an IPv4-mapped IPv6 socket is ipv4.", width=6),
]

EXPORTER = [
    stat("Sources", "none", "sockdiag_sample_success{@exporter}",
         "Whether the last attempt succeeded: tcp the dump of all sockets, listeners the polls of"
         " listeners, kernel /proc, owners whose sockets are, namespaces those of pods.",
         words=HEALTH, below={"SockdiagSamplingFailing": 0.5}, width=8, legend="{{source}}"),
    stat("Configuration", "none", "sockdiag_exporter_config_last_reload_successful{@exporter}",
         "Whether the last reload succeeded; if not, the configuration before it is in force.",
         {"SockdiagConfigReloadFailed": 0}, HEALTH, width=4),
    stat("Sockets of unknown age", "short", "sockdiag_tcp_unfollowed_sockets{@host}",
         "Beyond lifetimes.max_sockets: lingering sockets and ages may be higher than shown.",
         {"SockdiagLifetimesCapped": 0}, NONE_IS_GOOD, width=4),
    stat("Build", "none", "sockdiag_exporter_build_info{@exporter}",
         "Version, revision and compiler of the exporter that runs.", width=8,
         legend="{{version}} {{revision}} {{compiler}}", options={"textMode": "name"}),
    graph("Age of the last good sample", "s", {"{{source}}": SAMPLE_AGE},
          "At the time of the scrape. A sampler that hangs keeps its success at 1 and ages here.",
          {"SockdiagSampleStale": None}),
    graph("Age of the last good sample, in intervals", "short",
          {"{{source}}": f"({SAMPLE_AGE}) / sockdiag_sample_interval_seconds{{@exporter}}"},
          "Up to 1 while all is well, more while a sample takes long.",
          {"SockdiagSampleStale": 3}),
    graph("Interval in force", "s", {"{{source}}": "sockdiag_sample_interval_seconds{@exporter}"},
          "Longer than configured where a sample costs more than sampling.cpu_budget allows.",
          {"SockdiagSampleStale": None}),
    graph("Duration of a sample", "s", {"{{source}}": "sockdiag_sample_duration_seconds{@exporter}"},
          "Wall time of the last attempt."),
    graph("CPU", "percentunit",
          {"process": rate("process_cpu_seconds_total{@exporter}"),
           "samples of {{source}}": rate("sockdiag_sample_cpu_seconds_total{@exporter}")},
          "Of one CPU: the whole process, and what of it samples take."),
    graph("Memory", "bytes", {"resident": "process_resident_memory_bytes{@exporter}"},
          "Resident set of the exporter."),
    graph("File descriptors", "short",
          {"open": "process_open_fds{@exporter}", "limit": "process_max_fds{@exporter}"},
          "Of the exporter.", custom=SYMLOG),
    rates("Failed samples",
          {"{{source}}": "sockdiag_sample_failures_total"},
          "Nothing of them was published; the log says why.", {"SockdiagSamplingFailing": None}),
    graph("Failed samples, of all attempts", "percentunit",
          {"{{source}}": f"{rate('sockdiag_sample_failures_total{@exporter}')}"
           f" / {rate('sockdiag_samples_total{@exporter}')}"},
          "A source that always fails is at 100 %, however seldom it is sampled.",
          {"SockdiagSamplingFailing": None}),
    graph("Requests by path and status", "cps",
          {"{{path}} {{code}}": rate("sockdiag_http_requests_total{@exporter}") + " > 0"},
          "500 and 503 of the telemetry path are scrapes that got no page. What was never asked for"
          " is not drawn.", {"SockdiagExporterDown": None}),
    graph("Restarts and outages in the last hour", "short",
          {"restarts": "changes(process_start_time_seconds{@exporter}[1h])",
           "outages": "changes(up{@exporter}[1h]) / 2"},
          "Of the exporter. An outage is two changes: Prometheus could not scrape it, then could.",
          {"SockdiagExporterFlapping": 3}),
    graph("Sockets not accounted for", "short",
          {"not in the dump": "sockdiag_tcp_unaccounted_sockets{@host}",
           "unknown state": 'sockdiag_sample_unknown_state_sockets{@exporter,source="tcp"}'},
          "Around 0 with churn. If it stays away from 0, the dump is not whole.", minimum=None),
    graph("Sockets under port other", "percentunit",
          {"{{direction}}": f'sum without (port, state) ({SOCKETS}{{@host,port="other"}})'
           f" / sum without (port, state) ({SOCKETS}{{@host}})"},
          "Of the sockets of that direction: those whose port has no series of its own.",
          {"SockdiagPortsFolded": 0.1}),
    graph("Ports folded into other", "short", {"{{direction}}": "sockdiag_tcp_folded_ports{@host}"},
          "Raise ports.max_ports or name the ports in the configuration.",
          {"SockdiagPortsFolded": None}),
]

OWNER_SOCKETS = "sockdiag_tcp_owner_sockets"
LISTENS = "sockdiag_tcp_listener_info{@owned_listener}"


def beside_listeners(selector):
    """What a port has, for each owner that listens on it."""
    port = f"max by (job, instance, port) ({selector})"
    named = f"port, name, {BY_OWNER}"
    return f"max by ({named}) ({LISTENS} * on (job, instance, port) group_left () {port})"


WHOSE = [
    owners("Owners by sockets", [],
           {"established": f'{OWNER_SOCKETS}{{@owned_port,state="established"}}',
            "lingering": "sockdiag_tcp_owner_lingering_sockets{@owned_port}",
            "close_wait": f'{OWNER_SOCKETS}{{@owned_port,state="close_wait"}}',
            "sockets": f"{OWNER_SOCKETS}{{@owned_port}}"},
           "Of the host's own network namespace: the unit, pod or container in which a socket was"
           " made. TIME_WAIT and SYN_RECV have no owner.", width=12),
    joined("Who listens", "short", ["port", "name", *OWNER],
           {"half-open": beside_listeners(f'{SOCKETS}{{@listener,state="syn_recv"}}'),
            "TIME_WAIT":
            beside_listeners(f'{SOCKETS}{{@listener,direction="inbound",state="time_wait"}}'),
            "queue used": beside_listeners(f"{QUEUE}_utilization_ratio{{@listener}}")},
           "What belongs to no owner, by who listens on its port.", width=12,
           overrides=[of_column("queue used", unit="percentunit")]),
    by_owner("CLOSE_WAIT by owner", "sockdiag_tcp_owner_close_wait_sockets{@owned_port}",
             "The application that has not closed.", {"SockdiagCloseWaitLingering": None},
             labels=["cause"], width=12),
    by_owner("Lingering sockets by owner", "sockdiag_tcp_owner_lingering_sockets{@owned_port}",
             "Longer in a passing state than its threshold.",
             {"SockdiagCloseWaitLingering": None}, labels=["state"], width=12),
    joined("Owners and their cgroups", "none", [*OWNER, "runtime", "cgroup"],
           {"known": f"max by ({BY_OWNER}, runtime, cgroup) (sockdiag_owner_info{{@owned}})"},
           "Below /sys/fs/cgroup; cgroup.procs there has the processes.", width=24),
]

NAMESPACES = [
    owners("Other network namespaces by sockets", [],
           {"established": f'{SOCKETS}{{@owned_port,state="established"}}',
            "time_wait": f'{SOCKETS}{{@owned_port,state="time_wait"}}',
            "lingering": f"{LINGERING}{{@owned_port}}",
            "close_wait": f'{SOCKETS}{{@owned_port,state="close_wait"}}',
            "sockets": f"{SOCKETS}{{@owned_port}}"},
           "Of pods, containers and units with a network namespace of their own. The row without a"
           " name is the host's own.", width=16),
    graph("Network namespaces that are not read", "short",
          {"{{status}}": 'sockdiag_namespaces{@exporter,status=~"failed|skipped"}'},
          "skipped: more than namespaces.max_namespaces. Nothing is known of them.",
          {"SockdiagNamespacesUnread": 0}),
    by_owner("CLOSE_WAIT by network namespace", f'{SOCKETS}{{@owned_port,state="close_wait"}}',
             "A floor that rises step by step is a leak.", {"SockdiagCloseWaitGrowing": None},
             labels=["port"]),
    by_owner("Lingering sockets by network namespace", f"{LINGERING}{{@owned_port}}",
             "Longer in a passing state than its threshold.",
             {"SockdiagCloseWaitLingering": None}, labels=["state"]),
    graph("Use of accept queues by network namespace", "percentunit",
          {"{{port}} " + " ".join(f"{{{{{label}}}}}" for label in OWNER):
           f"{QUEUE}_utilization_ratio{{@owned_listener}} > 0"},
          "The fullest listener of each port at the last visit; above 100 % the kernel drops.",
          {"SockdiagAcceptQueueFull": 0.9}),
    by_owner("Drops at listeners by network namespace",
             rate("sockdiag_tcp_listen_drops_total{@owned}"),
             "As the kernel counts them in each network namespace.",
             {"SockdiagListenDropsUnattributed": 0.1}, unit="cps"),
    by_owner("Handshakes that failed by network namespace",
             rate("sockdiag_tcp_attempt_failures_total{@owned}"),
             "Outgoing ones refused or timed out, incoming ones reset by the peer.",
             {"SockdiagConnectionsRefused": 1}, unit="cps"),
    by_owner("SYNs and SYN-ACKs sent again by network namespace",
             rate("sockdiag_tcp_syn_retransmits_total{@owned}"),
             "No answer came: packets are lost, a peer is down, or a listener drops them.",
             unit="cps"),
    by_owner("Sockets by the kernel's own count, by network namespace",
             "sockdiag_tcp_kernel_sockets{@owned}",
             "open and time_wait of sockstat, connected of snmp: there without the opener, too.",
             labels=["kind"]),
    graph("Network namespaces by status", "short",
          {"{{status}}": "sockdiag_namespaces{@exporter}"},
          "sampled: sockets and counters; counted: counters alone.", width=8, custom=STACKED),
    graph("Time from one visit to the next", "s",
          {"rotation": "sockdiag_namespaces_rotation_seconds{@exporter}"},
          "Alerts on pods and containers look at 5 minutes.", {"SockdiagNamespacesSlow": 150}),
]


def owner_variable(label):
    names = f"{SOCKETS}|sockdiag_owner_info|sockdiag_tcp_kernel_sockets"
    query = f'label_values({{__name__=~"{names}",@exporter}}, {label})'
    return variable(label, query, is_multi=True, all_value=".*")


VARIABLES = [
    variable("job", exporters("job"), is_multi=True),
    variable("instance", exporters("instance", ",@fleet")),
    variable("direction", f"label_values({SOCKETS}{{@exporter}}, direction)", is_multi=True,
             all_value=".*"),
    variable("port", f"label_values({SOCKETS}{{@exporter}}, port)", is_multi=True, all_value=".*"),
    *map(owner_variable, ("namespace", "pod", "container", "unit")),
]

DASHBOARD = dashboard(
    "sockdiag-host",
    "TCP sockets of a host",
    "TCP sockets of one host by state, service port and direction, from sockdiag_exporter.",
    VARIABLES,
    FIRING,
    {
        "Overview": OVERVIEW,
        "Findings": FINDINGS,
        "States": STATES_OVER_TIME,
        "CLOSE_WAIT": CLOSE_WAIT,
        "By port": BY_PORT,
        "Accept queues": ACCEPT_QUEUES,
        "SYN": SYN,
        "TIME_WAIT and ephemeral ports": TIME_WAIT,
        "Other lingering states, orphans and memory": OTHER_STATES,
        "Kernel counters": KERNEL_COUNTERS,
        "Whose sockets": WHOSE,
        "Other network namespaces": NAMESPACES,
        "Exporter": EXPORTER,
    },
)
