# SPDX-License-Identifier: Apache-2.0
"""What one sample cost and what several did, and whether it counted what is there: no figure of one
that did not is worth a look."""

import statistics
from typing import NamedTuple

from support.kernel_counters import read_sockstat, read_sockstat6

from benchmark.command import Failure
from benchmark.processes import Cpu

_ATTEMPTS = 10  # a scrape's TIME_WAIT may end between a sample and the look at sockstat
_TOLERANCE = 0.05  # where sockets come and go


class Cost(NamedTuple):
    """In seconds. How the parts of the CPU relate is told by all samples of a run together: the
    kernel may count them in ticks longer than a sample."""

    cpu: Cpu
    wall: float


class Traffic(NamedTuple):
    """Of one sample outside of the timed ones; None where that was not measured."""

    kernel_bytes: int | None = None  # from a sock_diag socket, or of /proc/net/tcp and tcp6
    peak_bytes: int | None = None  # the most that was resident


def summary(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def user_share(costs):
    user = sum(cost.cpu.user for cost in costs)
    system = sum(cost.cpu.system for cost in costs)
    return user / (user + system) if user + system > 0 else None


def row(name, costs, floors, traffic):
    """As JSON. `floors` is what the raw drain cost in the same rounds, or None."""
    cpu = [cost.cpu.total for cost in costs]
    result = {"name": name, "cpu_seconds": summary(cpu), "user_share": user_share(costs)}
    result["wall_seconds"] = summary([cost.wall for cost in costs])
    if floors:
        floor = [cost.cpu.total for cost in floors]
        result["ratio_by_round"] = summary([own / other for own, other in zip(cpu, floor)])
        result["ratio_of_minima"] = min(cpu) / min(floor)
    return {**result, **traffic._asdict(), "rounds": cpu}


def sockets_by_sockstat():
    """As the kernel's own counters say; half-open connections are not in them."""
    ipv4 = read_sockstat()
    return ipv4["inuse"] + ipv4["tw"] + read_sockstat6()["inuse"]


def sockets_of_the_host():
    """In all network namespaces, TIME_WAIT and half-open connections left out. They share one table
    that is walked as a whole, so those of others make every sample dearer."""
    return read_sockstat()["alloc"]


def check_count(name, count, load):
    """`count` gives the sockets counted, or None where that failed, and those by the kernel."""
    for _ in range(_ATTEMPTS):
        counted, kernel = count()
        if counted is not None and _agree(counted, kernel + load.half_open, load):
            return {"counted": int(counted), "kernel": kernel + load.half_open}
    raise Failure(f"{name} counts {counted} sockets, the kernel {kernel} and {load.half_open}")


def _agree(counted, kernel, load):
    return abs(counted - kernel) <= (kernel * _TOLERANCE if load.moving else 0)
