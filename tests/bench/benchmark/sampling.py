# SPDX-License-Identifier: Apache-2.0
"""What one sample of the same sockets costs this exporter and everyone else, in turns."""

import contextlib
import math
import random
import sys
import time

from support.network import enter_fresh_network_namespace

from benchmark import sample
from benchmark.command import Failure, numbers
from benchmark.daemons import Collectd, NodeExporter
from benchmark.exporter import ThisExporter
from benchmark.load import PROFILES, load
from benchmark.peers import programs

_SECONDS_PER_SOCKET = 4e-6
_REST_SECONDS = 0.5
_COUNTING = ("exporter", "drain")  # what is wrong where it counts otherwise than the kernel
_HEADING = (
    f"{'':<18}{'CPU ms':>10}{'min':>10}{'max':>10}{'user':>6}{'wall ms':>10}"
    f"{'x drain':>9}{'min':>7}{'max':>7}{'x minima':>9}{'MiB peak':>10}{'kB read':>10}"
)


def _contestants():
    return [ThisExporter(), NodeExporter(), Collectd(), *programs()]


def _names(text):
    return text.split(",")


def add_arguments(parser):
    known = ",".join(each.name for each in _contestants())
    parser.add_argument("--profile", choices=PROFILES, default="established")
    parser.add_argument("--sockets", type=numbers, metavar="N,...", default=[None])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", type=_names, metavar="NAME,...", help=f"of {known}")


def run(arguments):
    chosen, left_out = _choose(arguments.only)
    sizes = [_measure_size(arguments, sockets, chosen) for sockets in arguments.sockets]
    return {"profile": arguments.profile, "left_out": left_out, "sizes": sizes}


def _choose(only):
    """Those that are to run, and {name: why} of those that cannot."""
    wanted = [each for each in _contestants() if only is None or each.name in only]
    if only and len(wanted) != len(only):
        raise Failure(f"--only: one of {','.join(only)} is not known")
    left_out = {each.name: why for each in wanted if (why := each.missing())}
    for name, why in left_out.items():
        print(f"{name} is left out: {why}", file=sys.stderr)
    return [each for each in wanted if each.name not in left_out], left_out


def _interval_for(sockets):
    """Far enough apart that a sample never follows closely on another one."""
    return max(1, math.ceil(sockets * _SECONDS_PER_SOCKET))


def _measure_size(arguments, sockets, chosen):
    # One of its own for each size: the next is to find nothing of this one.
    enter_fresh_network_namespace()
    elsewhere = sample.sockets_of_the_host()
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(load(arguments.profile, sockets))
        print(f"{made.profile}: {made.sockets} sockets stand", file=sys.stderr)
        interval = _interval_for(made.sockets)
        for each in chosen:
            stack.enter_context(each.running(interval))
        result = {"sockets": made.sockets + made.servers, "sockets_elsewhere": elsewhere}
        return {**result, **_measure(made, chosen, arguments.rounds)}


def _measure(made, chosen, rounds):
    counts = {each.name: each.count for each in chosen if each.name in _COUNTING}
    compared = {name: sample.check_count(name, count, made) for name, count in counts.items()}
    costs = _rounds(chosen, rounds)
    traffic = {each.name: each.traffic() for each in chosen}
    rows = [
        sample.row(name, each, costs.get("drain"), traffic.get(name, sample.Traffic()))
        for name, each in costs.items()
    ]
    return {"truth": compared, "rows": rows}


def _rounds(chosen, rounds):
    """{name: [Cost of each round]}, in an order of its own each round, so that nobody always comes
    after the same one, and after the same rest."""
    costs = {}
    for number in range(rounds):
        for each in random.Random(number).sample(chosen, len(chosen)):
            time.sleep(_REST_SECONDS)
            for name, value in each.measure().items():
                costs.setdefault(name, []).append(value)
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    return costs


def table(result):
    lines = [_machine(result["machine"])]
    for size in result["sizes"]:
        lines += ["", _title(result["profile"], size), _HEADING, *map(_row, size["rows"])]
    return "\n".join(lines)


def _machine(machine):
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (
        f"{machine['cpu']}, {machine['cpus']} CPUs, Linux {machine['kernel']}, "
        f"load average {machine['load_average']}; {packages}"
    )


def _title(profile, size):
    sockets = f"{size['sockets']} sockets ({size['sockets_elsewhere']} elsewhere on the machine)"
    counts = [f"{name} {each['counted']}" for name, each in size["truth"].items()]
    return ", ".join([f"{profile}, {sockets}", *counts])


def _row(row):
    cpu, wall = row["cpu_seconds"], row["wall_seconds"]
    ratio = row.get("ratio_by_round", {})
    return (
        f"{row['name']:<18}{_ms(cpu['median'])}{_ms(cpu['min'])}{_ms(cpu['max'])}"
        f"{_share(row['user_share'])}{_ms(wall['median'])}"
        f"{_ratio(ratio.get('median'), 9)}"
        f"{_ratio(ratio.get('min'), 7)}{_ratio(ratio.get('max'), 7)}"
        f"{_ratio(row.get('ratio_of_minima'), 9)}"
        f"{_scaled(row['peak_bytes'], 2**20)}{_scaled(row['kernel_bytes'], 1000)}"
    )


def _ms(seconds):
    return f"{seconds * 1e3:>10.2f}"


def _share(value):
    return f"{'-':>6}" if value is None else f"{value:>6.0%}"


def _ratio(value, width):
    return f"{'-':>{width}}" if value is None else f"{value:>{width}.3f}"


def _scaled(value, unit):
    return f"{'-':>10}" if value is None else f"{value / unit:>10.1f}"
