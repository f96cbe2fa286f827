# SPDX-License-Identifier: Apache-2.0
"""What one sample cost, and what several did."""

import statistics
from typing import NamedTuple

from benchmark.processes import Cpu


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
