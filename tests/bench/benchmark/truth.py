# SPDX-License-Identifier: Apache-2.0
"""Whether what is there was counted: no figure of a sample that did not is worth a look."""

from benchmark.failure import Failure

_ATTEMPTS = 10  # a scrape's TIME_WAIT may end between a sample and the look at sockstat
_TOLERANCE = 0.05  # where sockets come and go


def sockets_by_sockstat():
    """As the kernel's own counters say; half-open connections are not in them."""
    ipv4 = _numbers("sockstat", "TCP:")
    return ipv4["inuse"] + ipv4["tw"] + _numbers("sockstat6", "TCP6:")["inuse"]


def sockets_of_the_host():
    """In all network namespaces, TIME_WAIT and half-open connections left out. They share one table
    that is walked as a whole, so those of others make every sample dearer."""
    return _numbers("sockstat", "TCP:")["alloc"]


def _numbers(name, start):
    with open(f"/proc/thread-self/net/{name}", encoding="ascii") as file:
        words = next(line.split()[1:] for line in file if line.startswith(start))
    return {key: int(value) for key, value in zip(words[::2], words[1::2])}


def check(name, count, load):
    """`count` gives the sockets counted, or None where that failed, and those by the kernel."""
    for _ in range(_ATTEMPTS):
        counted, kernel = count()
        if counted is not None and _agree(counted, kernel + load.half_open, load):
            return {"counted": int(counted), "kernel": kernel + load.half_open}
    raise Failure(f"{name} counts {counted} sockets, the kernel {kernel} and {load.half_open}")


def _agree(counted, kernel, load):
    return abs(counted - kernel) <= (kernel * _TOLERANCE if load.moving else 0)
