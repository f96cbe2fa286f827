# SPDX-License-Identifier: Apache-2.0
"""A network namespace to be alone in, sockets to be counted, and /proc as second witness."""

import collections
import ctypes
import fcntl
import os
import socket
import struct

from support.polling import wait_until

_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1

STATES = {
    1: "established",
    2: "syn_sent",
    3: "syn_recv",
    4: "fin_wait1",
    5: "fin_wait2",
    6: "time_wait",
    7: "close",
    8: "close_wait",
    9: "last_ack",
    10: "listen",
    11: "closing",
}

# What a socket is in only for a moment that no dump asks for, and what an outbound one never is in.
_NOT_SHOWN = {"inbound": {"close"}, "outbound": {"close", "listen", "syn_recv"}}

KernelSocket = collections.namedtuple("KernelSocket", "local_port remote_port state")


def enter_fresh_network_namespace():
    """Moves this thread, and all it starts from now on, to a namespace with loopback alone."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"unshare: {os.strerror(error)} (these tests need root)")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


def shown_states(direction):
    """The states of which a port has series from the start."""
    return set(STATES.values()) - _NOT_SHOWN[direction]


def kernel_sockets():
    """Every TCP socket of the namespace, as /proc/net/tcp and tcp6 list them."""
    return [found for name in ("tcp", "tcp6") for found in _read_table(name)]


def _read_table(name):
    with open(f"/proc/thread-self/net/{name}", encoding="ascii") as table:
        return [_parse_row(row.split()) for row in table.readlines()[1:]]


def _parse_row(fields):
    local, remote, state = fields[1], fields[2], fields[3]
    return KernelSocket(_port(local), _port(remote), STATES[int(state, 16)])


def _port(address):
    return int(address.rpartition(":")[2], 16)


def kernel_counts(port):
    """{(direction, state): sockets} of a service port, counted from /proc."""
    counts = collections.Counter()
    for found in kernel_sockets():
        if found.local_port == port:
            counts["inbound", found.state] += 1
        elif found.remote_port == port:
            counts["outbound", found.state] += 1
    return counts


class Service:
    """A listener on a port, and connections to it with both ends in this process."""

    def __init__(self, port, address="127.0.0.1", backlog=128):
        self.port = port
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.create_server((address, port), family=family, backlog=backlog)
        self._clients, self._servers = [], []

    def connect(self, count):
        """Opens and accepts connections: ESTABLISHED at both ends."""
        for _ in range(count):
            self._clients.append(socket.create_connection(self._listener.getsockname()[:2]))
            self._servers.append(self._listener.accept()[0])
        return self

    def connect_without_accept(self, count):
        """Opens connections that stay in the accept queue."""
        for _ in range(count):
            self._clients.append(socket.create_connection(self._listener.getsockname()[:2]))
        return self

    def half_close_clients(self, count):
        """Ends the sending side of some clients: FIN_WAIT2 here, CLOSE_WAIT at the server."""
        for client in self._clients[:count]:
            client.shutdown(socket.SHUT_WR)
        wait_until(
            lambda: kernel_counts(self.port)["inbound", "close_wait"] == count,
            f"{count} CLOSE_WAIT on port {self.port}",
        )
        return self

    def close(self):
        for each in [*self._clients, *self._servers, self._listener]:
            each.close()
