# SPDX-License-Identifier: Apache-2.0
"""What the kernel counts in this network namespace, read by name as it may add some anywhere."""

_DIRECTORY = "/proc/thread-self/net"


def read_counters():
    """{name: value} of the TcpExt and Tcp tables."""
    return {**_read_table("netstat", "TcpExt:"), **_read_table("snmp", "Tcp:")}


def _read_table(name, prefix):
    with open(f"{_DIRECTORY}/{name}", encoding="ascii") as table:
        names, values = (line.split()[1:] for line in table if line.startswith(prefix))
    return dict(zip(names, map(int, values), strict=True))


def listen_drops():
    return read_counters()["ListenDrops"]


def read_sockstat():
    """{name: value} of the line about TCP: inuse, orphan, tw, alloc and mem, in pages."""
    return _read_sockstat("sockstat", "TCP:")


def read_sockstat6():
    """The same for IPv6, which has inuse alone."""
    return _read_sockstat("sockstat6", "TCP6:")


def _read_sockstat(name, prefix):
    with open(f"{_DIRECTORY}/{name}", encoding="ascii") as table:
        words = next(line.split()[1:] for line in table if line.startswith(prefix))
    return dict(zip(words[::2], map(int, words[1::2]), strict=True))
