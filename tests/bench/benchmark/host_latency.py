# SPDX-License-Identifier: Apache-2.0
"""What sampling does to the host: how long connect() and accept() take beside each sampler."""

import json
import subprocess
import time

from support.network import enter_fresh_network_namespace

from benchmark import processes, samplers
from benchmark.command import Failure, numbers
from benchmark.load import load
from benchmark.sample import summary
from benchmark.tables import columns

_CALLS = ("connect", "accept")
_QUANTILES = ("p50", "p99", "p99.9", "max")
_PROBE_CPU, _SAMPLER_CPU = 0, 1
_MICROSECONDS = 1e-3


def add_arguments(parser):
    parser.add_argument("--sockets", type=numbers, default=[100000], metavar="N,...")
    parser.add_argument("--seconds", type=float, default=6, help="of probing beside one sampler")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--period-us", type=int, default=200, help="between two connections")
    parser.add_argument(
        "--pin", action="store_true", help="the probe on one CPU, the sampler on another"
    )


def run(arguments):
    sizes = [_run_size(sockets, arguments) for sockets in arguments.sockets]
    return {"pinned": arguments.pin, "sizes": sizes}


def _run_size(sockets, arguments):
    enter_fresh_network_namespace()
    beside = [sampler for sampler in samplers.ALL if _is_there(sampler)]
    with load("established", sockets) as made:
        rounds = [_round(beside, arguments) for _ in range(arguments.rounds)]
    rows = [_row(each.name, [by_name[each.name] for by_name in rounds], rounds) for each in beside]
    return {"sockets": made.sockets, "rows": rows}


def _is_there(sampler):
    if sampler.is_there():
        return True
    print(f"{sampler.name} is left out: it is not installed")
    return False


def _round(beside, arguments):
    return {sampler.name: _probe_beside(sampler, arguments) for sampler in beside}


def _probe_beside(sampler, arguments):
    with sampler.running() as pid:
        if arguments.pin and pid:
            samplers.pin(pid, _SAMPLER_CPU)
        before = samplers.cpu_seconds(pid)
        probed = _probe(arguments)
        cpu = samplers.cpu_seconds(pid) - before
    if probed["count"] == 0 or (sampler.never_rests and cpu == 0):
        raise Failure(f"{sampler.name}: {probed['count']} connections, {cpu} s of sampling")
    return {**probed, "sampler_cpu": cpu / arguments.seconds}


def _probe(arguments):
    command = [processes.tool("connect_probe"), "--period-us", str(arguments.period_us)]
    process = processes.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        if arguments.pin:
            samplers.pin(process.pid, _PROBE_CPU)
        time.sleep(arguments.seconds)
        output, _ = process.communicate()
    finally:
        processes.end(process)
    if process.returncode != 0:
        raise Failure(f"connect_probe ended with {process.returncode}")
    return json.loads(output)


def _row(name, probed, rounds):
    row = {"name": name, "count": sum(each["count"] for each in probed)}
    row["sampler_cpu"] = summary([each["sampler_cpu"] for each in probed])
    nothing = [by_name[samplers.NOTHING] for by_name in rounds]
    return {**row, **{call: _latencies(call, probed, nothing) for call in _CALLS}}


def _latencies(call, probed, nothing):
    key = f"{call}_ns"
    return {
        quantile: {
            "ns": summary([each[key][quantile] for each in probed]),
            "to_nothing": summary(
                [each[key][quantile] / other[key][quantile] for each, other in zip(probed, nothing)]
            ),
        }
        for quantile in _QUANTILES
    }


def table(result):
    how = "the probe on one CPU, the sampler on another" if result["pinned"] else "not pinned"
    lines = []
    for size in result["sizes"]:
        lines.append(f"{size['sockets']} sockets, {how}; µs, and the ratio to nothing by round")
        lines += columns([_heading(), *map(_cells, size["rows"])])
    return "\n".join(lines)


def _heading():
    quantiles = [f"{call} {quantile}" for call in _CALLS for quantile in _QUANTILES]
    return ["beside", "its CPU", "connections", *quantiles]


def _cells(row):
    cpu = f"{row['sampler_cpu']['median']:.0%}"
    figures = [_figure(row[call][quantile]) for call in _CALLS for quantile in _QUANTILES]
    return [row["name"], cpu, str(row["count"]), *figures]


def _figure(value):
    return f"{value['ns']['median'] * _MICROSECONDS:.0f} ×{value['to_nothing']['median']:.2f}"
