# SPDX-License-Identifier: Apache-2.0
"""A network namespace with TCP sockets in every state, and what /proc says of them: what the
commands of the runbook have to show there, and their neighbours that they must not."""

import contextlib
import ctypes
import pathlib
import re
import socket
import struct
import sys
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from support.network import STATES, enter_fresh_network_namespace  # noqa: E402
from support.packets import (  # noqa: E402
    NOWHERE_IPV4,
    clients_in,
    send_syns,
    swallow_packets_to_nowhere,
)
from support.polling import wait_until  # noqa: E402
from support.recipes import (  # noqa: E402
    Recipes,
    accept_queue_of,
    close_into,
    connect,
    listen,
    set_sysctl,
    start_connecting,
    wait_for_state,
)

# The runbook's examples, and a neighbour of each.
SERVICE, NEXT_SERVICE = 8080, 8081
CALLED, NEXT_CALLED = 5432, 5433
FULL_QUEUE = 8082
ABOVE_THE_RANGE, BELOW_THE_RANGE = 61001, 18081
EXPORTER = 10293

# With the FIN behind it, an alert as long as TLS 1.3 makes it.
GOODBYE = bytes(24)

_CLONE_NEWNET = 0x40000000
_PROBE_TIMER = 4


class Row(NamedTuple):
    """A line of /proc/net/tcp or tcp6. Addresses are as ss prints them, without port."""

    local: str
    sport: int
    remote: str
    dport: int
    state: str
    send_queue: int
    receive_queue: int
    timer: int
    repetitions: int
    inode: int

    @property
    def ends(self):
        return self.local, self.sport, self.remote, self.dport


def rows():
    """Every TCP socket of this thread's namespace but those that are only bound."""
    return [_row(line.split()) for name in ("tcp", "tcp6") for line in _lines(name)]


def _lines(name):
    table = pathlib.Path(f"/proc/thread-self/net/{name}").read_text(encoding="ascii")
    return table.splitlines()[1:]


def _row(fields):
    send, receive = (int(number, 16) for number in fields[4].split(":"))
    timer = int(fields[5].partition(":")[0], 16)
    return Row(
        *_address(fields[1]),
        *_address(fields[2]),
        STATES[int(fields[3], 16)],
        send,
        receive,
        timer,
        int(fields[6], 16),
        int(fields[9]),
    )


def _address(text):
    """The kernel prints each word of the address as a number of the host's byte order."""
    digits, port = text.split(":")
    words = [int(digits[at : at + 8], 16) for at in range(0, len(digits), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    address = IPv4Address(packed) if len(packed) == 4 else IPv6Address(packed)
    return str(address), int(port, 16)


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
        before = held.enter_context(open("/proc/thread-self/ns/net", encoding="ascii"))
        enter_fresh_network_namespace()
        held.callback(_enter_network_namespace, before)
        swallow_packets_to_nowhere()
        _make_sockets(held)
        yield


def _enter_network_namespace(file):
    if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _make_sockets(held):
    places = [(port, "127.0.0.1") for port in (SERVICE, NEXT_SERVICE, CALLED, NEXT_CALLED)]
    for port, address in [*places, (SERVICE, "::1"), (CALLED, "::1")]:
        recipes = held.enter_context(contextlib.closing(Recipes(port, address)))
        for direction in ("inbound", "outbound"):
            _make_states(recipes, direction)
        _leave_in_the_accept_queue(recipes, address, held)
    _make_unanswered(held)
    _make_listeners(held)
    _bind_without_connecting(held)


def _make_states(recipes, direction):
    recipes.established(direction)
    _receive_without_reading(recipes.established(direction))
    _send_to_a_closed_window(recipes.established(direction))
    for state in ("unread_data", "unread_eof", "not_closed", "fin_wait1", "closing", "time_wait"):
        getattr(recipes, state)(direction)
    _say_goodbye(recipes.established(direction))
    for state in ("fin_wait1", "closing"):
        close_into(state, getattr(recipes, state)(direction))
    recipes.last_ack(direction)
    _shut_down_into_last_ack(recipes.close_wait_with_full_window(direction))
    recipes.fin_wait2(direction).here.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    recipes.fin_wait2_orphan(direction)
    set_sysctl("ipv4/tcp_fin_timeout", "120")
    recipes.fin_wait2_orphan(direction)
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


def _say_goodbye(ends):
    ends.there.sendall(GOODBYE)
    ends.there.shutdown(socket.SHUT_WR)
    wait_for_state(ends.here, "close_wait")


def _shut_down_into_last_ack(ends):
    ends.here.shutdown(socket.SHUT_WR)
    wait_for_state(ends.here, "last_ack")


def _leave_in_the_accept_queue(recipes, address, held):
    """Their clients have given up, and are still there."""
    recipes.not_accepted()
    held.enter_context(connect(address, recipes.port))


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
    half_open = [row for row in rows() if row.state == "syn_recv" and row.local != DEFERRING]
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
    return next(row for row in rows() if row.ends == (*local, *remote))
