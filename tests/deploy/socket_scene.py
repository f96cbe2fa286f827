# SPDX-License-Identifier: Apache-2.0
"""A network namespace with TCP sockets in every state, and what /proc says of them: what the
commands of the runbook have to show there, and their neighbours that they must not."""

import contextlib
import re
import socket

from support.connection_states import (
    Service,
    accept_queue_of,
    close_into,
    connect,
    end_sending,
    listen,
    set_sysctl,
    start_connecting,
)
from support.network import NetworkNamespace, enter_fresh_network_namespace, kernel_sockets
from support.packets import NOWHERE_IPV4, clients_in, send_syns, swallow_packets_to_nowhere
from support.polling import wait_until

# The runbook's examples, and a neighbour of each.
SERVICE, NEXT_SERVICE = 8080, 8081
CALLED, NEXT_CALLED = 5432, 5433
FULL_QUEUE = 8082
ABOVE_THE_RANGE, BELOW_THE_RANGE = 61001, 18081
EXPORTER = 10293

_PROBE_TIMER = 4


def ends_shown(output):
    """(local address, port, remote address, port) of each socket that ss printed."""
    pair = re.compile(r"(\S+):(\d+|\*)\s+(\S+):(\d+|\*)")
    lines = [line for line in output.splitlines() if not line.startswith("\t")]
    found = filter(None, map(pair.search, lines))
    return [
        (_bare(local), int(sport), _bare(remote), 0 if dport == "*" else int(dport))
        for local, sport, remote, dport in (match.groups() for match in found)
    ]


def _bare(address):
    bare = address.strip("[]")
    return {"*": "::"}.get(bare, bare)


@contextlib.contextmanager
def scene():
    """Enters a fresh namespace full of sockets, and returns to the old one."""
    with contextlib.ExitStack() as held:
        before = held.enter_context(contextlib.closing(NetworkNamespace()))
        enter_fresh_network_namespace()
        held.callback(before.enter)
        swallow_packets_to_nowhere()
        _make_sockets(held)
        yield


def _make_sockets(held):
    places = [(port, "127.0.0.1") for port in (SERVICE, NEXT_SERVICE, CALLED, NEXT_CALLED)]
    for port, address in [*places, (SERVICE, "::1"), (CALLED, "::1")]:
        service = held.enter_context(contextlib.closing(Service(port, address)))
        for direction in ("inbound", "outbound"):
            _make_states(service, direction)
        _leave_in_the_accept_queue(service, address, held)
    _make_unanswered(held)
    _make_listeners(held)
    _bind_without_connecting(held)


def _make_states(service, direction):
    service.established(direction)
    _receive_without_reading(service.established(direction))
    _send_to_a_closed_window(service.established(direction))
    for made in ("unread_data", "unread_eof", "unread_goodbye", "not_closed", "fin_wait1"):
        getattr(service, made)(direction)
    service.closing(direction)
    service.time_wait(direction)
    for state in ("fin_wait1", "closing"):
        close_into(state, getattr(service, state)(direction))
    service.last_ack(direction)
    end_sending(service.close_wait_with_full_window(direction).here, "last_ack")
    service.fin_wait2(direction).here.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    service.fin_wait2_orphan(direction)
    set_sysctl("ipv4/tcp_fin_timeout", "120")
    service.fin_wait2_orphan(direction)
    set_sysctl("ipv4/tcp_fin_timeout", "60")


def _receive_without_reading(ends):
    ends.there.sendall(b"a request")
    wait_until(lambda: _row_of(ends.here).receive_queue, "bytes to read")


def _send_to_a_closed_window(ends):
    ends.here.setblocking(False)

    def probes_the_window():
        with contextlib.suppress(BlockingIOError):
            ends.here.send(bytes(100_000))
        return _row_of(ends.here).timer == _PROBE_TIMER

    wait_until(probes_the_window, "a probe of the closed window")


def _leave_in_the_accept_queue(service, address, held):
    """Their clients have given up, and are still there."""
    service.not_accepted()
    held.enter_context(connect(address, service.port))


def _make_unanswered(held):
    for port in (CALLED, NEXT_CALLED):
        for address in ("198.18.0.1", "198.18.0.1", "198.19.0.1", "2001:db8::1"):
            held.enter_context(start_connecting(address, port))
    for port in (SERVICE, NEXT_SERVICE):
        send_syns(clients_in(NOWHERE_IPV4, 24, 3, 2), "127.0.0.1", port)
    _defer_accepting(held)
    wait_until(_all_syn_acks_were_repeated, "SYN-ACKs sent again")


# Its handshakes wait for a first byte, and the SYN-ACK is not sent again meanwhile.
DEFERRING = "127.0.0.2"


def _defer_accepting(held):
    listener = held.enter_context(listen(SERVICE, DEFERRING))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 600)
    for _ in range(2):
        held.enter_context(connect(DEFERRING, SERVICE))


def _all_syn_acks_were_repeated():
    half_open = [row for row in kernel_sockets() if row.state == "syn_recv"]
    half_open = [row for row in half_open if row.local != DEFERRING]
    return len(half_open) == 12 and all(row.repetitions for row in half_open)


def _make_listeners(held):
    for port in (ABOVE_THE_RANGE, BELOW_THE_RANGE, EXPORTER):
        held.enter_context(listen(port))
    full = held.enter_context(listen(FULL_QUEUE, backlog=1))
    for _ in range(2):
        held.enter_context(connect("127.0.0.1", FULL_QUEUE))
    wait_until(lambda: accept_queue_of(full) == 2, "a full accept queue")


def _bind_without_connecting(held):
    """A kernel and an ss of 6.8 or later show it if it is asked for."""
    for port in (SERVICE, 40000):
        bound = held.enter_context(socket.socket())
        bound.bind(("127.0.0.9", port))


def _row_of(connection):
    local, remote = connection.getsockname()[:2], connection.getpeername()[:2]
    return next(row for row in kernel_sockets() if row.ends == (*local, *remote))
