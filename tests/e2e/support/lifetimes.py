# SPDX-License-Identifier: Apache-2.0
"""The series about sockets in passing states, and configurations that bring them about."""

from support.exporter import FAST

DIRECTIONS = ("inbound", "outbound")
PASSING = ("syn_sent", "syn_recv", "fin_wait1", "fin_wait2", "closing", "close_wait", "last_ack")

LINGERING = "sockdiag_tcp_lingering_sockets"
OLDEST = "sockdiag_tcp_oldest_socket_seconds"
THRESHOLD = "sockdiag_tcp_lingering_threshold_seconds"


def with_lifetimes(**keys):
    """A configuration that samples often, with those keys of the section."""
    return FAST + f"lifetimes: {{{', '.join(f'{key}: {value}' for key, value in keys.items())}}}\n"


def with_thresholds(duration):
    return with_lifetimes(**{state: duration for state in PASSING})


def place(port, direction="inbound", **labels):
    """The labels of a series of a port."""
    return {"direction": direction, "port": str(port), **labels}


def oldest(scrape, port, state="close_wait", direction="inbound"):
    """0 also where there never was one."""
    return scrape.get(OLDEST, **place(port, direction, state=state)) or 0
