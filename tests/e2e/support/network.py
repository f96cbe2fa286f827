# SPDX-License-Identifier: Apache-2.0
"""A network namespace to be alone in, and its sockets as /proc lists them: the second witness."""

import collections
import ctypes
import fcntl
import functools
import os
import socket
import struct
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

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


class KernelSocket(NamedTuple):
    """A line of /proc/net/tcp or tcp6. Addresses are as ss prints them, without port."""

    local: str
    local_port: int
    remote: str
    remote_port: int
    state: str
    send_queue: int
    receive_queue: int
    timer: int  # which one runs
    timer_ticks: int  # until it runs out, in 1/100 s
    repetitions: int
    inode: int

    @property
    def ends(self):
        return self.local, self.local_port, self.remote, self.remote_port

    @property
    def ports_and_state(self):
        return self.local_port, self.remote_port, self.state



def enter_fresh_network_namespace():
    """Moves this thread, and all it starts from now on, to a namespace with loopback alone."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"unshare: {os.strerror(error)} (these tests need root)")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


class NetworkNamespace:
    """Remembers the network namespace that this thread is in. enter() brings the thread back."""

    def __init__(self):
        self.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def enter(self):
        if ctypes.CDLL(None, use_errno=True).setns(self.fd, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def close(self):
        os.close(self.fd)


def shown_states(direction):
    """The states of which a port has series from the start."""
    return set(STATES.values()) - _NOT_SHOWN[direction]


def kernel_sockets():
    """Every TCP socket of the namespace but those that are only bound."""
    return [_parse_row(line.split()) for name in ("tcp", "tcp6") for line in _lines(name)]


def has_socket(local_port, remote_port, state):
    wanted = local_port, remote_port, state
    return any(found.ports_and_state == wanted for found in kernel_sockets())


def _lines(name):
    with open(f"/proc/thread-self/net/{name}", encoding="ascii") as table:
        return table.readlines()[1:]


def _parse_row(fields):
    send_queue, receive_queue = (int(number, 16) for number in fields[4].split(":"))
    timer, ticks = (int(number, 16) for number in fields[5].split(":"))
    return KernelSocket(
        *_parse_end(fields[1]),
        *_parse_end(fields[2]),
        STATES[int(fields[3], 16)],
        send_queue,
        receive_queue,
        timer,
        ticks,
        int(fields[6], 16),
        int(fields[9]),
    )


def _parse_end(text):
    digits, port = text.split(":")
    return _parse_address(digits), int(port, 16)


@functools.cache
def _parse_address(digits):
    """The kernel prints each word of the address as a number of the host's byte order."""
    words = [int(digits[at : at + 8], 16) for at in range(0, len(digits), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    return str(IPv4Address(packed) if len(packed) == 4 else IPv6Address(packed))


def kernel_counts(port):
    """{(direction, state): sockets} of a service port, counted from /proc."""
    counts = collections.Counter()
    for found in kernel_sockets():
        if found.local_port == port:
            counts["inbound", found.state] += 1
        elif found.remote_port == port:
            counts["outbound", found.state] += 1
    return counts
