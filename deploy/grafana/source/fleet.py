# SPDX-License-Identifier: Apache-2.0
"""All hosts together, from recording rules, `up`, ALERTS and findings (none on a host that is well)
alone: cheap for thousands of them."""

from source.dashboard import dashboard, exporters, variable
from source.kinds import (
    ANY_IS_BAD,
    CAUSES,
    FILLED,
    NEAR_EXHAUSTION,
    NONE_IS_GOOD,
    STACKED,
    SYMLOG,
    findings,
    graph,
    joined,
    matrix,
    stat,
    top,
)

HOST = ["instance", "job"]
SERVICE = ["direction", "port", "job"]
FIRING = 'ALERTS{alertname=~"Sockdiag.*",alertstate="firing",@fleet}'
LINGERING_CLOSE_WAIT = "instance_direction_port:sockdiag_tcp_lingering_close_wait_sockets:sum"
SERVICE_SOCKETS = "job_direction_port_state:sockdiag_tcp_sockets:sum"
SERVICE_STATES = ("established", "close_wait", "time_wait", "syn_recv")
OUTBOUND_STATES = SERVICE_STATES[:3]


def lingering_close_wait(direction):
    series = f'{LINGERING_CLOSE_WAIT}{{@service_listener,direction="{direction}"}}'
    return f"sum without (direction) ({series})"


OVERVIEW = [
    stat("Exporters that answer", "short",
         "sum(job_version:sockdiag_exporter_build_info:count{@fleet})",
         "How many exporters Prometheus scraped in time."),
    stat("Exporters down", "short", "count(up{@fleet} == 0) or vector(0)",
         "Targets of these jobs that Prometheus cannot scrape.",
         {"SockdiagExporterDown": None}, NONE_IS_GOOD, colours=ANY_IS_BAD),
    stat("Firing alerts", "short", f"count({FIRING}) or vector(0)",
         "Of all hosts; the table below names them.", words=NONE_IS_GOOD, colours=ANY_IS_BAD),
    stat("Sockets", "short", "sum(job_state:sockdiag_tcp_sockets:sum{@fleet})",
         "All TCP sockets of all hosts, TIME_WAIT and listeners included."),
    stat("Worst lingering CLOSE_WAIT", "short",
         f'max({LINGERING_CLOSE_WAIT}{{@fleet,direction="inbound"}}) or vector(0)',
         "On the worst inbound port of all hosts: connections that its application leaks.",
         {"SockdiagCloseWaitLingering": 20}, NONE_IS_GOOD),
    stat("Worst accept queue", "percentunit",
         "max(job_port:sockdiag_tcp_accept_queue_utilization_ratio:max{@fleet})",
         "Above 100 % it is full: the kernel drops new connections.",
         {"SockdiagAcceptQueueFull": 0.9}),
    stat("Worst ephemeral ports", "percentunit",
         "max(job:sockdiag_tcp_ephemeral_ports_used:ratio_max{@fleet})",
         "Used on the worst host; near 100 % connect() is slow and then fails.", NEAR_EXHAUSTION),
    stat("Worst TIME_WAIT", "percentunit",
         "max(job:sockdiag_tcp_time_wait_limit:ratio_max{@fleet})",
         "Of the limit of the worst host.", {"SockdiagTimeWaitNearLimit": 0.8}),
]

TROUBLE = [
    findings(["instance", "finding", "direction", "port", "job"], "@fleet",
             "What the exporters themselves find, mostly in samples of the last half minute, the"
             " worst first, at most 100. sockdiag_exporter explain FINDING says what it means and what to do.",
             width=24),
    joined("Firing alerts by host", "short", ["severity", "alertname", *HOST],
           {"alerts": f"count by (severity, alertname, instance, job) ({FIRING})"},
           "One line for each alert and host; the number counts ports, directions and so on.",
           width=16, colours=ANY_IS_BAD),
    joined("Exporters down by host", "none", HOST, {"state": "up{@fleet} == 0"},
           "Targets of these jobs that Prometheus cannot scrape.", {"SockdiagExporterDown": 0},
           width=8, words={0: ("down", "red")}),
]

TOTALS = [
    graph("Sockets by state", "short",
          {"{{state}}": "sum by (state) (job_state:sockdiag_tcp_sockets:sum{@fleet})"},
          "Of all hosts. The scale is logarithmic, so that small states show as well.",
          custom=SYMLOG),
    graph("Lingering sockets by state", "short",
          {"{{state}}": "sum by (state) (job_state:sockdiag_tcp_lingering_sockets:sum{@fleet})"},
          "Longer in a passing state than its threshold: leaks and stuck peers, not churn."),
    graph("CLOSE_WAIT by cause", "short",
          {"{{cause}}": "sum by (cause) (job_cause:sockdiag_tcp_close_wait_sockets:sum{@fleet})"},
          CAUSES, {"SockdiagCloseWaitLingering": None}, custom=STACKED),
    top("Hosts by sockets", "short", HOST, "sockets",
        "sum without (direction, state)"
        " (instance_direction_state:sockdiag_tcp_sockets:sum{@fleet})",
        "All TCP sockets, TIME_WAIT and listeners included.", width=12),
    top("Hosts and states by lingering sockets", "short", ["instance", "state", "job"],
        "lingering", "instance_state:sockdiag_tcp_lingering_sockets:sum{@fleet}",
        "Where leaks and stuck peers pile up.", width=12),
]

CLOSE_WAIT = [
    top("Hosts and ports by inbound lingering CLOSE_WAIT", "short", ["instance", "port", "job"],
        "lingering", lingering_close_wait("inbound"), "Where connections leak most.",
        {"SockdiagCloseWaitLingering": 20}),
    top("Hosts and ports by outbound lingering CLOSE_WAIT", "short", ["instance", "port", "job"],
        "lingering", lingering_close_wait("outbound"),
        "Where pools hold most connections that the server has closed.",
        {"SockdiagCloseWaitLingeringOutbound": 50}),
    top("Services by lingering CLOSE_WAIT", "short", SERVICE, "lingering",
        "job_direction_port:sockdiag_tcp_lingering_close_wait_sockets:sum{@service}",
        "Added up over all hosts: a leak on each of them is a defect of the service.",
        {"SockdiagCloseWaitLingering": None}),
]

SERVICES = [
    matrix("Inbound sockets by service and state",
           f'{SERVICE_SOCKETS}{{@service_listener,direction="inbound"}}', SERVICE_STATES,
           "Connections to listeners of the fleet, by the local port.", width=12),
    matrix("Outbound sockets by service and state",
           f'{SERVICE_SOCKETS}{{@service_listener,direction="outbound"}}', OUTBOUND_STATES,
           "Connections to other services, by the remote port.", width=12),
]

ACCEPT_QUEUES = [
    top("Hosts by their fullest accept queue", "percentunit", HOST, "used",
        "instance:sockdiag_tcp_accept_queue_utilization_ratio:max{@fleet}",
        "Above 100 % it is full: the kernel drops new connections.",
        {"SockdiagAcceptQueueFull": 0.9}),
    top("Services by their fullest accept queue", "percentunit", ["port", "job"], "used",
        "job_port:sockdiag_tcp_accept_queue_utilization_ratio:max{@service_listener}",
        "On the worst host of each.", {"SockdiagAcceptQueueFull": 0.9}),
    top("Services by drops at listeners", "cps", ["port", "job"], "drops a second",
        "job_port:sockdiag_tcp_listener_drops:rate5m{@service_listener}",
        "SYNs and handshake ACKs dropped, added up over all hosts.",
        {"SockdiagListenerDropping": None}),
    top("Hosts by drops at listeners", "cps", HOST, "drops a second",
        "instance:sockdiag_tcp_listen_drops:rate5m{@fleet}",
        "SYNs and handshake ACKs that the kernel dropped, each repetition again.",
        {"SockdiagListenerDropping": 0.1, "SockdiagListenDropsUnattributed": 0.1}),
    top("Hosts by drops at full accept queues", "cps", HOST, "drops a second",
        "instance:sockdiag_tcp_listen_overflows:rate5m{@fleet}",
        "Those of them that a full accept queue caused.", {"SockdiagListenerDropping": None}),
    graph("Drops at listeners by job", "cps",
          {"{{job}}": "job:sockdiag_tcp_listen_drops:rate5m{@fleet}"},
          "Added up over the hosts of each job.", {"SockdiagListenerDropping": None}),
]

TIME_WAIT = [
    top("Hosts by ephemeral ports used", "percentunit", HOST, "used",
        "instance:sockdiag_tcp_ephemeral_ports_used:ratio_max{@fleet}",
        "By the busiest destination; near 100 % connect() to it is slow and then fails.",
        NEAR_EXHAUSTION),
    top("Hosts by local ephemeral ports used by any socket", "percentunit", HOST, "used",
        "instance:sockdiag_tcp_local_ephemeral_ports_used:ratio{@fleet}",
        "Busy proxies are well near 100 %; programs that bind() before connect() are not.",
        NEAR_EXHAUSTION),
    top("Hosts by TIME_WAIT, of the limit", "percentunit", HOST, "used",
        "instance:sockdiag_tcp_time_wait_limit:ratio{@fleet}",
        "At 100 % of tcp_max_tw_buckets sockets are closed without TIME_WAIT.",
        {"SockdiagTimeWaitNearLimit": 0.8}),
    top("Services by TIME_WAITs begun", "cps", SERVICE, "begun a second",
        "job_direction_port:sockdiag_tcp_time_wait_started:rate5m{@service}",
        "Services whose connections are not reused; times 60 s it is how many there will be."),
    graph("Worst ephemeral ports and TIME_WAIT by job", "percentunit",
          {"{{job}} ephemeral ports": "job:sockdiag_tcp_ephemeral_ports_used:ratio_max{@fleet}",
           "{{job}} TIME_WAIT": "job:sockdiag_tcp_time_wait_limit:ratio_max{@fleet}"},
          "Of what the worst host of each job has.",
          {**NEAR_EXHAUSTION, "SockdiagTimeWaitNearLimit": 0.8}, width=12),
    graph("Sockets closed without TIME_WAIT by job", "cps",
          {"{{job}}": "sum by (job) (instance:sockdiag_tcp_time_wait_overflows:rate5m{@fleet})"},
          "The limit was reached or memory ran out.", {"SockdiagTimeWaitOverflow": None}, width=12),
]

SYN_AND_MEMORY = [
    graph("SYNs at full request queues by job", "cps",
          {"{{job}}": "job:sockdiag_tcp_request_queue_full:rate5m{@fleet}"},
          "Answered by a cookie or dropped: floods, or backlogs too small.",
          {"SockdiagSynFlood": None}),
    top("Hosts by SYNs at full request queues", "cps", HOST, "SYNs a second",
        "instance:sockdiag_tcp_request_queue_full:rate5m{@fleet}",
        "The hosts that are flooded.", {"SockdiagSynFlood": 10}),
    top("Hosts by SYNs and SYN-ACKs sent again", "cps", HOST, "sent again a second",
        "instance:sockdiag_tcp_syn_retransmits:rate5m{@fleet}",
        "No answer came: packets are lost, a peer is down, or a listener drops them."),
    top("Hosts by orphans, of their limit", "percentunit", HOST, "used",
        "instance:sockdiag_tcp_orphans_limit:ratio{@fleet}",
        "Resets may begin at a quarter of the limit.", {"SockdiagOrphansNearLimit": 0.2}),
    top("Hosts by TCP memory, of its limit", "percentunit", HOST, "used",
        "instance:sockdiag_tcp_memory_limit:ratio{@fleet}",
        "At 100 % the kernel drops data and resets orphans.",
        {"SockdiagTcpMemoryNearLimit": 0.8, "SockdiagTcpMemoryPressure": 0.67}),
    graph("Connections reset for want of memory by job", "cps",
          {"{{job}}": "sum by (job) (instance:sockdiag_tcp_abort_on_memory:rate5m{@fleet})"},
          "There were too many orphans, or TCP used too much memory.",
          {"SockdiagAbortOnMemory": None}),
]

POD_SOCKETS = "job_namespace_state:sockdiag_tcp_sockets:sum"
PODS = [
    joined("Kubernetes namespaces by sockets of their pods", "short", ["namespace", "job"],
           {state: f'topk(50, sum by (namespace, job) ({POD_SOCKETS}{{@fleet,state="{state}"}}))'
            for state in ("syn_recv", "time_wait", "established", "close_wait")},
           "Of pods with a network namespace of their own, on all hosts.", width=8),
    graph("CLOSE_WAIT of pods by Kubernetes namespace and cause", "short",
          {"{{namespace}} {{cause}}": "sum by (namespace, cause)"
           " (job_namespace_cause:sockdiag_tcp_close_wait_sockets:sum{@fleet}) > 0"},
          CAUSES, {"SockdiagCloseWaitLingering": None}),
    graph("Network namespaces by status", "short",
          {"{{status}}": "sum by (status) (job_status:sockdiag_namespaces:sum{@fleet})"},
          "Other than the hosts' own. failed and skipped: nothing is known of them.",
          {"SockdiagNamespacesUnread": None}, custom=STACKED),
]

EXPORTERS = [
    graph("Hosts whose last sample succeeded", "percentunit",
          {"{{job}} {{source}}": "job_source:sockdiag_sample_success:avg{@fleet}"},
          "Of the exporters that answer, by source; a host that fails has alerts above.",
          {"SockdiagSamplingFailing": None}, width=12, custom=FILLED,
          colours={0: "orange", 1: "green"}),
    graph("Exporters by version", "short",
          {"{{version}}": "sum by (version)"
           " (job_version:sockdiag_exporter_build_info:count{@fleet})"},
          "Of those that answer.", width=12, custom=STACKED),
]

VARIABLES = [
    variable("job", exporters("job"), is_multi=True),
    variable("direction", f"label_values({SERVICE_SOCKETS}{{@fleet}}, direction)",
             is_multi=True, all_value=".*"),
    variable("port", f"label_values({SERVICE_SOCKETS}{{@fleet}}, port)",
             is_multi=True, all_value=".*"),
]

DASHBOARD = dashboard(
    "sockdiag-fleet",
    "TCP sockets of all hosts",
    "TCP sockets of a fleet by state, service and host, from sockdiag_exporter's recording rules.",
    VARIABLES,
    FIRING,
    {
        "Overview": OVERVIEW,
        "Trouble": TROUBLE,
        "Totals": TOTALS,
        "CLOSE_WAIT": CLOSE_WAIT,
        "Services": SERVICES,
        "Accept queues and drops": ACCEPT_QUEUES,
        "Ephemeral ports and TIME_WAIT": TIME_WAIT,
        "SYN, orphans and memory": SYN_AND_MEMORY,
        "Pods": PODS,
        "Exporters": EXPORTERS,
    },
)
